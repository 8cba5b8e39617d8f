; The C runtime, SHA-256 of its sources 01d6faa41b35e0c56c1d9a141d02a63cb7e770dc8e38bd2d973a2aea21aa61fb

%struct.worker = type { ptr, i32, ptr, i64, [64 x i8] }
%struct.timespec = type { i64, i64 }
%struct.pattern_layer = type { ptr, i64, ptr, i64, i64 }
%struct.pattern_feature = type { ptr, i32, i32, i32, i32, i32 }

@.str = private unnamed_addr constant [9 x i8] c"no error\00", align 1
@.str.1 = private unnamed_addr constant [36 x i8] c"an argument is null or out of range\00", align 1
@.str.2 = private unnamed_addr constant [14 x i8] c"out of memory\00", align 1
@.str.3 = private unnamed_addr constant [60 x i8] c"the system refused to start a thread; ask for fewer threads\00", align 1
@.str.4 = private unnamed_addr constant [75 x i8] c"another thread runs this instance; give each thread an instance of its own\00", align 1
@.str.5 = private unnamed_addr constant [66 x i8] c"the instance belongs to the parent process; create one after fork\00", align 1
@.str.6 = private unnamed_addr constant [61 x i8] c"the processor lacks a feature that the code was compiled for\00", align 1
@.str.7 = private unnamed_addr constant [54 x i8] c"the weights are missing, damaged, or of another model\00", align 1
@.str.8 = private unnamed_addr constant [75 x i8] c"library, header and runtime are of different versions; build them together\00", align 1
@.str.9 = private unnamed_addr constant [15 x i8] c"unknown status\00", align 1
@.str.10 = private unnamed_addr constant [39 x i8] c"description, options or model are NULL\00", align 1
@creation_error = internal unnamed_addr global ptr @.str, align 8
@.str.11 = private unnamed_addr constant [50 x i8] c"threads must be from 0 to 256, chunk not negative\00", align 1
@.str.12 = private unnamed_addr constant [40 x i8] c"the arena is too small: see arena_bytes\00", align 1
@.str.13 = private unnamed_addr constant [46 x i8] c"arena and weights must be aligned to 64 bytes\00", align 1
@.str.14 = private unnamed_addr constant [46 x i8] c"the library has its weights inside; pass none\00", align 1
@.str.15 = private unnamed_addr constant [51 x i8] c"the weights are in a file: pass it, or its mapping\00", align 1
@.str.16 = private unnamed_addr constant [47 x i8] c"the weights have another size than the model's\00", align 1
@.str.17 = private unnamed_addr constant [45 x i8] c"the weights are damaged, or of another model\00", align 1
@.str.18 = private unnamed_addr constant [37 x i8] c"the file of weights cannot be opened\00", align 1
@.str.19 = private unnamed_addr constant [54 x i8] c"the file of weights has another size than the model's\00", align 1
@.str.20 = private unnamed_addr constant [37 x i8] c"the file of weights cannot be mapped\00", align 1
@.str.21 = private unnamed_addr constant [80 x i8] c"images must be a positive multiple of the batch that the model was exported for\00", align 1
@.str.22 = private unnamed_addr constant [78 x i8] c"images of this model meet: it runs on the batch that it was exported for only\00", align 1
@.str.23 = private unnamed_addr constant [27 x i8] c"inputs or outputs are NULL\00", align 1
@.str.24 = private unnamed_addr constant [17 x i8] c"an input is NULL\00", align 1
@.str.25 = private unnamed_addr constant [18 x i8] c"an output is NULL\00", align 1
@switch.table.pattern_status_message.rel = private unnamed_addr constant [9 x i32] [i32 trunc (i64 sub (i64 ptrtoint (ptr @.str to i64), i64 ptrtoint (ptr @switch.table.pattern_status_message.rel to i64)) to i32), i32 trunc (i64 sub (i64 ptrtoint (ptr @.str.1 to i64), i64 ptrtoint (ptr @switch.table.pattern_status_message.rel to i64)) to i32), i32 trunc (i64 sub (i64 ptrtoint (ptr @.str.2 to i64), i64 ptrtoint (ptr @switch.table.pattern_status_message.rel to i64)) to i32), i32 trunc (i64 sub (i64 ptrtoint (ptr @.str.3 to i64), i64 ptrtoint (ptr @switch.table.pattern_status_message.rel to i64)) to i32), i32 trunc (i64 sub (i64 ptrtoint (ptr @.str.4 to i64), i64 ptrtoint (ptr @switch.table.pattern_status_message.rel to i64)) to i32), i32 trunc (i64 sub (i64 ptrtoint (ptr @.str.5 to i64), i64 ptrtoint (ptr @switch.table.pattern_status_message.rel to i64)) to i32), i32 trunc (i64 sub (i64 ptrtoint (ptr @.str.6 to i64), i64 ptrtoint (ptr @switch.table.pattern_status_message.rel to i64)) to i32), i32 trunc (i64 sub (i64 ptrtoint (ptr @.str.7 to i64), i64 ptrtoint (ptr @switch.table.pattern_status_message.rel to i64)) to i32), i32 trunc (i64 sub (i64 ptrtoint (ptr @.str.8 to i64), i64 ptrtoint (ptr @switch.table.pattern_status_message.rel to i64)) to i32)], align 4
@switch.table.pattern_model_run = private unnamed_addr constant [5 x ptr] [ptr @.str.1, ptr @.str.2, ptr @.str.3, ptr @.str.4, ptr @.str.5], align 8

; Function Attrs: mustprogress nofree norecurse nosync nounwind willreturn memory(none)
define hidden noundef i32 @pattern_abi_version() local_unnamed_addr #0 {
  ret i32 3
}

; Function Attrs: mustprogress nofree norecurse nosync nounwind willreturn memory(none)
define hidden noundef nonnull ptr @pattern_status_message(i32 noundef %0) local_unnamed_addr #0 {
  %2 = icmp ult i32 %0, 9
  br i1 %2, label %3, label %7

3:                                                ; preds = %1
  %4 = zext nneg i32 %0 to i64
  %5 = shl i64 %4, 2
  %6 = call ptr @llvm.load.relative.i64(ptr @switch.table.pattern_status_message.rel, i64 %5)
  br label %7

7:                                                ; preds = %1, %3
  %8 = phi ptr [ %6, %3 ], [ @.str.9, %1 ]
  ret ptr %8
}

; Function Attrs: nounwind
define hidden range(i32 0, 4) i32 @pattern_instance_create(i32 noundef %0, ptr noundef writeonly captures(address_is_null) %1) local_unnamed_addr #1 {
  %3 = icmp eq ptr %1, null
  %4 = add i32 %0, -257
  %5 = icmp ult i32 %4, -256
  %6 = or i1 %3, %5
  br i1 %6, label %40, label %7

7:                                                ; preds = %2
  store ptr null, ptr %1, align 8
  %8 = mul nuw nsw i32 %0, 96
  %9 = add nuw nsw i32 %8, 248
  %10 = zext nneg i32 %9 to i64
  %11 = tail call ptr @calloc(i64 noundef 1, i64 noundef %10) #13
  %12 = icmp eq ptr %11, null
  br i1 %12, label %40, label %13

13:                                               ; preds = %7
  store i32 %0, ptr %11, align 8
  %14 = tail call i32 @getpid() #7
  %15 = getelementptr inbounds nuw i8, ptr %11, i64 4
  store i32 %14, ptr %15, align 4
  %16 = getelementptr inbounds nuw i8, ptr %11, i64 8
  store atomic i8 0, ptr %16 seq_cst, align 8
  %17 = getelementptr inbounds nuw i8, ptr %11, i64 56
  %18 = tail call i32 @pthread_mutex_init(ptr noundef nonnull %17, ptr noundef null) #7
  %19 = getelementptr inbounds nuw i8, ptr %11, i64 120
  %20 = tail call i32 @pthread_cond_init(ptr noundef nonnull %19, ptr noundef null) #7
  %21 = getelementptr inbounds nuw i8, ptr %11, i64 184
  %22 = tail call i32 @pthread_cond_init(ptr noundef nonnull %21, ptr noundef null) #7
  %23 = icmp samesign ugt i32 %0, 1
  br i1 %23, label %24, label %39

24:                                               ; preds = %13
  %25 = getelementptr inbounds nuw i8, ptr %11, i64 248
  %26 = zext nneg i32 %0 to i64
  br label %27

27:                                               ; preds = %24, %36
  %28 = phi i64 [ 1, %24 ], [ %37, %36 ]
  %29 = getelementptr inbounds nuw %struct.worker, ptr %25, i64 %28
  store ptr %11, ptr %29, align 8
  %30 = getelementptr inbounds nuw i8, ptr %29, i64 8
  %31 = trunc nuw nsw i64 %28 to i32
  store i32 %31, ptr %30, align 8
  %32 = getelementptr inbounds nuw i8, ptr %29, i64 16
  %33 = tail call i32 @pthread_create(ptr noundef nonnull %32, ptr noundef null, ptr noundef nonnull @work, ptr noundef nonnull %29) #7
  %34 = icmp eq i32 %33, 0
  br i1 %34, label %36, label %35

35:                                               ; preds = %27
  tail call fastcc void @stop(ptr noundef %11, i32 noundef %31)
  br label %40

36:                                               ; preds = %27
  %37 = add nuw nsw i64 %28, 1
  %38 = icmp eq i64 %37, %26
  br i1 %38, label %39, label %27, !llvm.loop !4

39:                                               ; preds = %36, %13
  store ptr %11, ptr %1, align 8
  br label %40

40:                                               ; preds = %35, %39, %7, %2
  %41 = phi i32 [ 1, %2 ], [ 0, %39 ], [ 3, %35 ], [ 2, %7 ]
  ret i32 %41
}

; Function Attrs: mustprogress nocallback nofree nosync nounwind willreturn memory(argmem: readwrite)
declare void @llvm.lifetime.start.p0(ptr captures(none)) #2

; Function Attrs: mustprogress nofree nounwind willreturn allockind("alloc,zeroed") allocsize(0,1) memory(inaccessiblemem: readwrite)
declare noalias noundef ptr @calloc(i64 noundef, i64 noundef) local_unnamed_addr #3

declare i32 @getpid() local_unnamed_addr #4

declare i32 @pthread_mutex_init(ptr noundef, ptr noundef) local_unnamed_addr #4

declare i32 @pthread_cond_init(ptr noundef, ptr noundef) local_unnamed_addr #4

declare i32 @pthread_create(ptr noundef, ptr noundef, ptr noundef, ptr noundef) local_unnamed_addr #4

; Function Attrs: nounwind
define internal noalias noundef ptr @work(ptr noundef readonly captures(none) %0) #1 {
  %2 = alloca %struct.timespec, align 8
  %3 = alloca %struct.timespec, align 8
  %4 = load ptr, ptr %0, align 8
  %5 = getelementptr inbounds nuw i8, ptr %4, i64 32
  %6 = getelementptr inbounds nuw i8, ptr %3, i64 8
  %7 = getelementptr inbounds nuw i8, ptr %2, i64 8
  %8 = getelementptr inbounds nuw i8, ptr %4, i64 56
  %9 = getelementptr inbounds nuw i8, ptr %4, i64 120
  %10 = getelementptr inbounds nuw i8, ptr %4, i64 9
  %11 = getelementptr inbounds nuw i8, ptr %0, i64 8
  %12 = getelementptr inbounds nuw i8, ptr %4, i64 40
  %13 = getelementptr inbounds nuw i8, ptr %4, i64 184
  br label %14

14:                                               ; preds = %61, %1
  %15 = phi i64 [ 0, %1 ], [ %62, %61 ]
  call void @llvm.lifetime.start.p0(ptr nonnull %3) #7
  %16 = call i32 @clock_gettime(i32 noundef 1, ptr noundef nonnull %3) #7
  %17 = load i64, ptr %3, align 8
  %18 = mul nsw i64 %17, 1000000000
  %19 = load i64, ptr %6, align 8
  call void @llvm.lifetime.end.p0(ptr nonnull %3) #7
  %20 = add i64 %19, 200000
  %21 = add i64 %20, %18
  br label %22

22:                                               ; preds = %29, %14
  %23 = phi i32 [ 0, %14 ], [ %30, %29 ]
  %24 = load atomic i64, ptr %5 acquire, align 8
  %25 = icmp eq i64 %24, %15
  br i1 %25, label %26, label %49

26:                                               ; preds = %22
  call void @llvm.x86.sse2.pause()
  %27 = add nuw nsw i32 %23, 1
  %28 = icmp eq i32 %27, 64
  br i1 %28, label %31, label %29

29:                                               ; preds = %26, %31
  %30 = phi i32 [ %27, %26 ], [ 0, %31 ]
  br label %22, !llvm.loop !6

31:                                               ; preds = %26
  %32 = call i32 @sched_yield() #7
  call void @llvm.lifetime.start.p0(ptr nonnull %2) #7
  %33 = call i32 @clock_gettime(i32 noundef 1, ptr noundef nonnull %2) #7
  %34 = load i64, ptr %2, align 8
  %35 = mul nsw i64 %34, 1000000000
  %36 = load i64, ptr %7, align 8
  %37 = add nsw i64 %35, %36
  call void @llvm.lifetime.end.p0(ptr nonnull %2) #7
  %38 = icmp slt i64 %37, %21
  br i1 %38, label %29, label %39

39:                                               ; preds = %31
  %40 = call i32 @pthread_mutex_lock(ptr noundef nonnull %8) #7
  %41 = load atomic i64, ptr %5 acquire, align 8
  %42 = icmp eq i64 %41, %15
  br i1 %42, label %43, label %47

43:                                               ; preds = %39, %43
  %44 = call i32 @pthread_cond_wait(ptr noundef nonnull %9, ptr noundef nonnull %8) #7
  %45 = load atomic i64, ptr %5 acquire, align 8
  %46 = icmp eq i64 %45, %15
  br i1 %46, label %43, label %47, !llvm.loop !7

47:                                               ; preds = %43, %39
  %48 = call i32 @pthread_mutex_unlock(ptr noundef nonnull %8) #7
  br label %49

49:                                               ; preds = %22, %47
  %50 = load i8, ptr %10, align 1, !range !8, !noundef !9
  %51 = trunc nuw i8 %50 to i1
  br i1 %51, label %52, label %53

52:                                               ; preds = %49
  ret ptr null

53:                                               ; preds = %49
  %54 = load i32, ptr %11, align 8
  call fastcc void @compute_part(ptr noundef nonnull %4, i32 noundef %54)
  %55 = atomicrmw sub ptr %12, i64 1 acq_rel, align 8
  %56 = icmp eq i64 %55, 1
  br i1 %56, label %57, label %61

57:                                               ; preds = %53
  %58 = call i32 @pthread_mutex_lock(ptr noundef nonnull %8) #7
  %59 = call i32 @pthread_cond_signal(ptr noundef nonnull %13) #7
  %60 = call i32 @pthread_mutex_unlock(ptr noundef nonnull %8) #7
  br label %61

61:                                               ; preds = %53, %57
  %62 = add nuw nsw i64 %15, 1
  br label %14
}

; Function Attrs: nounwind
define internal fastcc void @stop(ptr noundef nonnull initializes((9, 10)) %0, i32 noundef %1) unnamed_addr #1 {
  %3 = getelementptr inbounds nuw i8, ptr %0, i64 9
  store i8 1, ptr %3, align 1
  %4 = getelementptr inbounds nuw i8, ptr %0, i64 56
  %5 = tail call i32 @pthread_mutex_lock(ptr noundef nonnull %4) #7
  %6 = getelementptr inbounds nuw i8, ptr %0, i64 32
  %7 = atomicrmw add ptr %6, i64 1 release, align 8
  %8 = getelementptr inbounds nuw i8, ptr %0, i64 120
  %9 = tail call i32 @pthread_cond_broadcast(ptr noundef nonnull %8) #7
  %10 = tail call i32 @pthread_mutex_unlock(ptr noundef nonnull %4) #7
  %11 = icmp sgt i32 %1, 1
  br i1 %11, label %12, label %14

12:                                               ; preds = %2
  %13 = zext nneg i32 %1 to i64
  br label %19

14:                                               ; preds = %19, %2
  %15 = getelementptr inbounds nuw i8, ptr %0, i64 184
  %16 = tail call i32 @pthread_cond_destroy(ptr noundef nonnull %15) #7
  %17 = tail call i32 @pthread_cond_destroy(ptr noundef nonnull %8) #7
  %18 = tail call i32 @pthread_mutex_destroy(ptr noundef nonnull %4) #7
  tail call void @free(ptr noundef nonnull %0)
  ret void

19:                                               ; preds = %12, %19
  %20 = phi i64 [ 1, %12 ], [ %25, %19 ]
  %21 = getelementptr inbounds nuw %struct.worker, ptr %0, i64 %20
  %22 = getelementptr inbounds nuw i8, ptr %21, i64 264
  %23 = load ptr, ptr %22, align 8
  %24 = tail call i32 @pthread_join(ptr noundef %23, ptr noundef null) #7
  %25 = add nuw nsw i64 %20, 1
  %26 = icmp eq i64 %25, %13
  br i1 %26, label %14, label %19, !llvm.loop !10
}

; Function Attrs: mustprogress nocallback nofree nosync nounwind willreturn memory(argmem: readwrite)
declare void @llvm.lifetime.end.p0(ptr captures(none)) #2

; Function Attrs: nounwind
define hidden range(i32 0, 6) i32 @pattern_instance_run(ptr noundef %0, ptr noundef %1, i64 noundef %2, ptr noundef %3, ptr noundef captures(address_is_null) %4) local_unnamed_addr #1 {
  %6 = alloca %struct.timespec, align 8
  %7 = alloca %struct.timespec, align 8
  %8 = icmp eq ptr %0, null
  br i1 %8, label %51, label %9

9:                                                ; preds = %5
  %10 = icmp eq i64 %2, 0
  %11 = icmp ne ptr %1, null
  %12 = or i1 %11, %10
  br i1 %12, label %13, label %51

13:                                               ; preds = %9
  %14 = getelementptr inbounds nuw i8, ptr %0, i64 4
  %15 = load i32, ptr %14, align 4
  %16 = tail call i32 @getpid() #7
  %17 = icmp eq i32 %15, %16
  br i1 %17, label %18, label %51

18:                                               ; preds = %13
  %19 = getelementptr inbounds nuw i8, ptr %0, i64 8
  %20 = atomicrmw xchg ptr %19, i8 1 seq_cst, align 8
  %21 = trunc i8 %20 to i1
  br i1 %21, label %51, label %22

22:                                               ; preds = %18
  %23 = getelementptr inbounds nuw i8, ptr %0, i64 24
  store ptr %3, ptr %23, align 8
  br i1 %10, label %28, label %24

24:                                               ; preds = %22
  %25 = icmp eq ptr %4, null
  %26 = getelementptr inbounds nuw i8, ptr %7, i64 8
  %27 = getelementptr inbounds nuw i8, ptr %6, i64 8
  br label %29

28:                                               ; preds = %48, %22
  store atomic i8 0, ptr %19 seq_cst, align 8
  br label %51

29:                                               ; preds = %24, %48
  %30 = phi i64 [ 0, %24 ], [ %49, %48 ]
  br i1 %25, label %46, label %31

31:                                               ; preds = %29
  call void @llvm.lifetime.start.p0(ptr nonnull %7) #7
  %32 = call i32 @clock_gettime(i32 noundef 1, ptr noundef nonnull %7) #7
  %33 = load i64, ptr %7, align 8
  %34 = load i64, ptr %26, align 8
  call void @llvm.lifetime.end.p0(ptr nonnull %7) #7
  %35 = getelementptr inbounds nuw %struct.pattern_layer, ptr %1, i64 %30
  call fastcc void @run_layer(ptr noundef %0, ptr noundef %35)
  call void @llvm.lifetime.start.p0(ptr nonnull %6) #7
  %36 = call i32 @clock_gettime(i32 noundef 1, ptr noundef nonnull %6) #7
  %37 = load i64, ptr %6, align 8
  %38 = load i64, ptr %27, align 8
  call void @llvm.lifetime.end.p0(ptr nonnull %6) #7
  %39 = getelementptr inbounds nuw i64, ptr %4, i64 %30
  %40 = load i64, ptr %39, align 8
  %41 = sub i64 %37, %33
  %42 = mul i64 %41, 1000000000
  %43 = sub i64 %38, %34
  %44 = add i64 %43, %42
  %45 = add i64 %44, %40
  store i64 %45, ptr %39, align 8
  br label %48

46:                                               ; preds = %29
  %47 = getelementptr inbounds nuw %struct.pattern_layer, ptr %1, i64 %30
  call fastcc void @run_layer(ptr noundef %0, ptr noundef %47)
  br label %48

48:                                               ; preds = %46, %31
  %49 = add nuw i64 %30, 1
  %50 = icmp eq i64 %49, %2
  br i1 %50, label %28, label %29, !llvm.loop !11

51:                                               ; preds = %18, %13, %5, %9, %28
  %52 = phi i32 [ 1, %5 ], [ 5, %13 ], [ 0, %28 ], [ 1, %9 ], [ 4, %18 ]
  ret i32 %52
}

; Function Attrs: nounwind
define internal fastcc void @run_layer(ptr noundef nonnull initializes((16, 24)) %0, ptr noundef %1) unnamed_addr #1 {
  %3 = alloca %struct.timespec, align 8
  %4 = alloca %struct.timespec, align 8
  %5 = getelementptr inbounds nuw i8, ptr %0, i64 16
  store ptr %1, ptr %5, align 8
  %6 = getelementptr inbounds nuw i8, ptr %0, i64 48
  store atomic i64 0, ptr %6 monotonic, align 8
  %7 = getelementptr inbounds nuw i8, ptr %1, i64 8
  %8 = load i64, ptr %7, align 8
  %9 = icmp slt i64 %8, 2
  br i1 %9, label %17, label %10

10:                                               ; preds = %2
  %11 = load i32, ptr %0, align 8
  %12 = icmp eq i32 %11, 1
  br i1 %12, label %13, label %23

13:                                               ; preds = %10
  %14 = getelementptr inbounds nuw i8, ptr %1, i64 32
  %15 = load i64, ptr %14, align 8
  %16 = icmp eq i64 %15, 0
  br i1 %16, label %19, label %25

17:                                               ; preds = %2
  %18 = icmp eq i64 %8, 1
  br i1 %18, label %19, label %115

19:                                               ; preds = %13, %17
  %20 = load ptr, ptr %1, align 8
  %21 = getelementptr inbounds nuw i8, ptr %0, i64 24
  %22 = load ptr, ptr %21, align 8
  tail call void %20(ptr noundef %22, i64 noundef 0, i64 noundef %8) #7
  br label %115

23:                                               ; preds = %10
  %24 = icmp sgt i32 %11, 0
  br i1 %24, label %25, label %45

25:                                               ; preds = %13, %23
  %26 = tail call i32 @llvm.umax.i32(i32 %11, i32 1)
  %27 = zext i32 %26 to i64
  %28 = and i64 %27, 7
  %29 = icmp ult i32 %11, 8
  br i1 %29, label %34, label %30

30:                                               ; preds = %25
  %31 = and i64 %27, 4294967288
  br label %93

32:                                               ; preds = %93
  %33 = icmp eq i64 %28, 0
  br i1 %33, label %45, label %34

34:                                               ; preds = %32, %25
  %35 = phi i64 [ 0, %25 ], [ %112, %32 ]
  %36 = icmp ne i64 %28, 0
  tail call void @llvm.assume(i1 %36)
  br label %37

37:                                               ; preds = %37, %34
  %38 = phi i64 [ %35, %34 ], [ %42, %37 ]
  %39 = phi i64 [ 0, %34 ], [ %43, %37 ]
  %40 = getelementptr inbounds nuw %struct.worker, ptr %0, i64 %38
  %41 = getelementptr inbounds nuw i8, ptr %40, i64 272
  store atomic i64 0, ptr %41 monotonic, align 8
  %42 = add nuw nsw i64 %38, 1
  %43 = add i64 %39, 1
  %44 = icmp eq i64 %43, %28
  br i1 %44, label %45, label %37, !llvm.loop !12

45:                                               ; preds = %32, %37, %23
  %46 = getelementptr inbounds nuw i8, ptr %0, i64 40
  %47 = add nsw i32 %11, -1
  %48 = sext i32 %47 to i64
  store atomic i64 %48, ptr %46 monotonic, align 8
  %49 = getelementptr inbounds nuw i8, ptr %0, i64 56
  %50 = tail call i32 @pthread_mutex_lock(ptr noundef nonnull %49) #7
  %51 = getelementptr inbounds nuw i8, ptr %0, i64 32
  %52 = atomicrmw add ptr %51, i64 1 release, align 8
  %53 = getelementptr inbounds nuw i8, ptr %0, i64 120
  %54 = tail call i32 @pthread_cond_broadcast(ptr noundef nonnull %53) #7
  %55 = tail call i32 @pthread_mutex_unlock(ptr noundef nonnull %49) #7
  tail call fastcc void @compute_part(ptr noundef nonnull %0, i32 noundef 0)
  call void @llvm.lifetime.start.p0(ptr nonnull %4) #7
  %56 = call i32 @clock_gettime(i32 noundef 1, ptr noundef nonnull %4) #7
  %57 = load i64, ptr %4, align 8
  %58 = mul nsw i64 %57, 1000000000
  %59 = getelementptr inbounds nuw i8, ptr %4, i64 8
  %60 = load i64, ptr %59, align 8
  call void @llvm.lifetime.end.p0(ptr nonnull %4) #7
  %61 = add i64 %60, 200000
  %62 = add i64 %61, %58
  %63 = getelementptr inbounds nuw i8, ptr %3, i64 8
  br label %64

64:                                               ; preds = %71, %45
  %65 = phi i32 [ 0, %45 ], [ %72, %71 ]
  %66 = load atomic i64, ptr %46 acquire, align 8
  %67 = icmp eq i64 %66, 0
  br i1 %67, label %115, label %68

68:                                               ; preds = %64
  call void @llvm.x86.sse2.pause()
  %69 = add nuw nsw i32 %65, 1
  %70 = icmp eq i32 %69, 64
  br i1 %70, label %73, label %71

71:                                               ; preds = %68, %73
  %72 = phi i32 [ %69, %68 ], [ 0, %73 ]
  br label %64, !llvm.loop !6

73:                                               ; preds = %68
  %74 = call i32 @sched_yield() #7
  call void @llvm.lifetime.start.p0(ptr nonnull %3) #7
  %75 = call i32 @clock_gettime(i32 noundef 1, ptr noundef nonnull %3) #7
  %76 = load i64, ptr %3, align 8
  %77 = mul nsw i64 %76, 1000000000
  %78 = load i64, ptr %63, align 8
  %79 = add nsw i64 %77, %78
  call void @llvm.lifetime.end.p0(ptr nonnull %3) #7
  %80 = icmp slt i64 %79, %62
  br i1 %80, label %71, label %81

81:                                               ; preds = %73
  %82 = call i32 @pthread_mutex_lock(ptr noundef nonnull %49) #7
  %83 = load atomic i64, ptr %46 acquire, align 8
  %84 = icmp eq i64 %83, 0
  br i1 %84, label %91, label %85

85:                                               ; preds = %81
  %86 = getelementptr inbounds nuw i8, ptr %0, i64 184
  br label %87

87:                                               ; preds = %87, %85
  %88 = call i32 @pthread_cond_wait(ptr noundef nonnull %86, ptr noundef nonnull %49) #7
  %89 = load atomic i64, ptr %46 acquire, align 8
  %90 = icmp eq i64 %89, 0
  br i1 %90, label %91, label %87, !llvm.loop !14

91:                                               ; preds = %87, %81
  %92 = call i32 @pthread_mutex_unlock(ptr noundef nonnull %49) #7
  br label %115

93:                                               ; preds = %93, %30
  %94 = phi i64 [ 0, %30 ], [ %112, %93 ]
  %95 = phi i64 [ 0, %30 ], [ %113, %93 ]
  %96 = getelementptr inbounds nuw %struct.worker, ptr %0, i64 %94
  %97 = getelementptr inbounds nuw i8, ptr %96, i64 272
  store atomic i64 0, ptr %97 monotonic, align 8
  %98 = getelementptr inbounds nuw %struct.worker, ptr %0, i64 %94
  %99 = getelementptr inbounds nuw i8, ptr %98, i64 368
  store atomic i64 0, ptr %99 monotonic, align 8
  %100 = getelementptr inbounds nuw %struct.worker, ptr %0, i64 %94
  %101 = getelementptr inbounds nuw i8, ptr %100, i64 464
  store atomic i64 0, ptr %101 monotonic, align 8
  %102 = getelementptr inbounds nuw %struct.worker, ptr %0, i64 %94
  %103 = getelementptr inbounds nuw i8, ptr %102, i64 560
  store atomic i64 0, ptr %103 monotonic, align 8
  %104 = getelementptr inbounds nuw %struct.worker, ptr %0, i64 %94
  %105 = getelementptr inbounds nuw i8, ptr %104, i64 656
  store atomic i64 0, ptr %105 monotonic, align 8
  %106 = getelementptr inbounds nuw %struct.worker, ptr %0, i64 %94
  %107 = getelementptr inbounds nuw i8, ptr %106, i64 752
  store atomic i64 0, ptr %107 monotonic, align 8
  %108 = getelementptr inbounds nuw %struct.worker, ptr %0, i64 %94
  %109 = getelementptr inbounds nuw i8, ptr %108, i64 848
  store atomic i64 0, ptr %109 monotonic, align 8
  %110 = getelementptr inbounds nuw %struct.worker, ptr %0, i64 %94
  %111 = getelementptr inbounds nuw i8, ptr %110, i64 944
  store atomic i64 0, ptr %111 monotonic, align 8
  %112 = add nuw nsw i64 %94, 8
  %113 = add i64 %95, 8
  %114 = icmp eq i64 %113, %31
  br i1 %114, label %32, label %93, !llvm.loop !15

115:                                              ; preds = %64, %91, %17, %19
  ret void
}

; Function Attrs: nounwind
define hidden range(i32 0, 5) i32 @pattern_instance_destroy(ptr noundef %0) local_unnamed_addr #1 {
  %2 = icmp eq ptr %0, null
  br i1 %2, label %15, label %3

3:                                                ; preds = %1
  %4 = getelementptr inbounds nuw i8, ptr %0, i64 4
  %5 = load i32, ptr %4, align 4
  %6 = tail call i32 @getpid() #7
  %7 = icmp eq i32 %5, %6
  br i1 %7, label %9, label %8

8:                                                ; preds = %3
  tail call void @free(ptr noundef nonnull %0)
  br label %15

9:                                                ; preds = %3
  %10 = getelementptr inbounds nuw i8, ptr %0, i64 8
  %11 = atomicrmw xchg ptr %10, i8 1 seq_cst, align 8
  %12 = trunc i8 %11 to i1
  br i1 %12, label %15, label %13

13:                                               ; preds = %9
  %14 = load i32, ptr %0, align 8
  tail call fastcc void @stop(ptr noundef %0, i32 noundef %14)
  br label %15

15:                                               ; preds = %9, %1, %13, %8
  %16 = phi i32 [ 0, %8 ], [ 0, %1 ], [ 0, %13 ], [ 4, %9 ]
  ret i32 %16
}

; Function Attrs: mustprogress nounwind willreturn allockind("free") memory(argmem: readwrite, inaccessiblemem: readwrite)
declare void @free(ptr allocptr noundef captures(none)) local_unnamed_addr #5

; Function Attrs: nounwind
define hidden range(i32 0, 9) i32 @pattern_model_create(ptr noundef %0, ptr noundef readonly captures(address_is_null) %1, ptr noundef writeonly captures(address_is_null) %2) local_unnamed_addr #1 {
  %4 = alloca [4 x [256 x i32]], align 16
  %5 = alloca ptr, align 8
  %6 = alloca [4 x i32], align 16
  %7 = icmp eq ptr %2, null
  br i1 %7, label %8, label %9

8:                                                ; preds = %3
  store atomic i64 ptrtoint (ptr @.str.10 to i64), ptr @creation_error monotonic, align 8
  br label %434

9:                                                ; preds = %3
  store ptr null, ptr %2, align 8
  %10 = icmp ne ptr %0, null
  %11 = icmp ne ptr %1, null
  %12 = and i1 %10, %11
  br i1 %12, label %13, label %123

13:                                               ; preds = %9
  %14 = load i32, ptr %0, align 8
  %15 = icmp eq i32 %14, 3
  br i1 %15, label %16, label %123

16:                                               ; preds = %13
  %17 = load i32, ptr %1, align 8
  %18 = getelementptr inbounds nuw i8, ptr %0, i64 4
  %19 = load i32, ptr %18, align 4
  %20 = icmp eq i32 %17, %19
  br i1 %20, label %21, label %123

21:                                               ; preds = %16
  %22 = getelementptr inbounds nuw i8, ptr %0, i64 48
  %23 = load i64, ptr %22, align 8
  %24 = icmp sgt i64 %23, 0
  br i1 %24, label %25, label %85

25:                                               ; preds = %21
  %26 = getelementptr inbounds nuw i8, ptr %0, i64 96
  %27 = load ptr, ptr %26, align 8
  %28 = getelementptr inbounds nuw i8, ptr %6, i64 12
  %29 = getelementptr inbounds nuw i8, ptr %6, i64 8
  %30 = getelementptr inbounds nuw i8, ptr %6, i64 4
  br label %34

31:                                               ; preds = %76
  %32 = add nuw nsw i64 %35, 1
  %33 = icmp eq i64 %32, %23
  br i1 %33, label %85, label %34, !llvm.loop !16

34:                                               ; preds = %31, %25
  %35 = phi i64 [ 0, %25 ], [ %32, %31 ]
  %36 = getelementptr inbounds nuw %struct.pattern_feature, ptr %27, i64 %35
  call void @llvm.lifetime.start.p0(ptr nonnull %6) #7
  %37 = getelementptr inbounds nuw i8, ptr %36, i64 8
  %38 = load i32, ptr %37, align 8
  %39 = and i32 %38, -2147483648
  %40 = tail call { i32, i32, i32, i32 } asm "  xchg$(q$|$)  $(%$|$)rbx,${1:q}\0A  cpuid\0A  xchg$(q$|$)  $(%$|$)rbx,${1:q}", "={ax},=r,={cx},={dx},0,~{dirflag},~{fpsr},~{flags}"(i32 range(i32 0, -2147483647) %39) #14, !srcloc !17
  %41 = extractvalue { i32, i32, i32, i32 } %40, 0
  %42 = icmp eq i32 %41, 0
  %43 = icmp ult i32 %41, %38
  %44 = or i1 %42, %43
  br i1 %44, label %75, label %45

45:                                               ; preds = %34
  %46 = getelementptr inbounds nuw i8, ptr %36, i64 12
  %47 = load i32, ptr %46, align 4
  %48 = tail call { i32, i32, i32, i32 } asm "  xchg$(q$|$)  $(%$|$)rbx,${1:q}\0A  cpuid\0A  xchg$(q$|$)  $(%$|$)rbx,${1:q}", "={ax},=r,={cx},={dx},0,2,~{dirflag},~{fpsr},~{flags}"(i32 %38, i32 %47) #14, !srcloc !18
  %49 = extractvalue { i32, i32, i32, i32 } %48, 0
  %50 = extractvalue { i32, i32, i32, i32 } %48, 1
  %51 = extractvalue { i32, i32, i32, i32 } %48, 2
  %52 = extractvalue { i32, i32, i32, i32 } %48, 3
  store i32 %49, ptr %6, align 16
  store i32 %50, ptr %30, align 4
  store i32 %51, ptr %29, align 8
  store i32 %52, ptr %28, align 4
  %53 = getelementptr inbounds nuw i8, ptr %36, i64 16
  %54 = load i32, ptr %53, align 8
  %55 = zext i32 %54 to i64
  %56 = getelementptr inbounds nuw i32, ptr %6, i64 %55
  %57 = load i32, ptr %56, align 4
  %58 = getelementptr inbounds nuw i8, ptr %36, i64 20
  %59 = load i32, ptr %58, align 4
  %60 = shl nuw i32 1, %59
  %61 = and i32 %60, %57
  %62 = icmp eq i32 %61, 0
  br i1 %62, label %75, label %63

63:                                               ; preds = %45
  %64 = tail call { i32, i32, i32, i32 } asm "  xchg$(q$|$)  $(%$|$)rbx,${1:q}\0A  cpuid\0A  xchg$(q$|$)  $(%$|$)rbx,${1:q}", "={ax},=r,={cx},={dx},0,~{dirflag},~{fpsr},~{flags}"(i32 0) #14, !srcloc !17
  %65 = extractvalue { i32, i32, i32, i32 } %64, 0
  %66 = icmp eq i32 %65, 0
  br i1 %66, label %76, label %67

67:                                               ; preds = %63
  %68 = tail call { i32, i32, i32, i32 } asm "  xchg$(q$|$)  $(%$|$)rbx,${1:q}\0A  cpuid\0A  xchg$(q$|$)  $(%$|$)rbx,${1:q}", "={ax},=r,={cx},={dx},0,~{dirflag},~{fpsr},~{flags}"(i32 1) #14, !srcloc !19
  %69 = extractvalue { i32, i32, i32, i32 } %68, 2
  %70 = and i32 %69, 134217728
  %71 = icmp eq i32 %70, 0
  br i1 %71, label %76, label %72

72:                                               ; preds = %67
  %73 = tail call { i32, i32 } asm "xgetbv", "={ax},={dx},{cx},~{dirflag},~{fpsr},~{flags}"(i32 0) #14, !srcloc !20
  %74 = extractvalue { i32, i32 } %73, 0
  br label %76

75:                                               ; preds = %45, %34
  call void @llvm.lifetime.end.p0(ptr nonnull %6) #7
  br label %82

76:                                               ; preds = %72, %67, %63
  %77 = phi i32 [ %74, %72 ], [ 0, %67 ], [ 0, %63 ]
  %78 = getelementptr inbounds nuw i8, ptr %36, i64 24
  %79 = load i32, ptr %78, align 8
  %80 = and i32 %79, %77
  %81 = icmp eq i32 %80, %79
  call void @llvm.lifetime.end.p0(ptr nonnull %6) #7
  br i1 %81, label %31, label %82

82:                                               ; preds = %76, %75
  %83 = load ptr, ptr %36, align 8
  %84 = ptrtoint ptr %83 to i64
  br label %123

85:                                               ; preds = %31, %21
  %86 = getelementptr inbounds nuw i8, ptr %1, i64 4
  %87 = load i32, ptr %86, align 4
  %88 = icmp ugt i32 %87, 256
  br i1 %88, label %123, label %89

89:                                               ; preds = %85
  %90 = getelementptr inbounds nuw i8, ptr %1, i64 8
  %91 = load i64, ptr %90, align 8
  %92 = icmp slt i64 %91, 0
  br i1 %92, label %123, label %93

93:                                               ; preds = %89
  %94 = getelementptr inbounds nuw i8, ptr %1, i64 16
  %95 = load ptr, ptr %94, align 8
  %96 = icmp eq ptr %95, null
  br i1 %96, label %103, label %97

97:                                               ; preds = %93
  %98 = getelementptr inbounds nuw i8, ptr %1, i64 24
  %99 = load i64, ptr %98, align 8
  %100 = getelementptr inbounds nuw i8, ptr %0, i64 56
  %101 = load i64, ptr %100, align 8
  %102 = icmp slt i64 %99, %101
  br i1 %102, label %123, label %103

103:                                              ; preds = %97, %93
  %104 = ptrtoint ptr %95 to i64
  %105 = and i64 %104, 63
  %106 = icmp eq i64 %105, 0
  br i1 %106, label %107, label %123

107:                                              ; preds = %103
  %108 = getelementptr inbounds nuw i8, ptr %1, i64 32
  %109 = load ptr, ptr %108, align 8
  %110 = ptrtoint ptr %109 to i64
  %111 = and i64 %110, 63
  %112 = icmp eq i64 %111, 0
  br i1 %112, label %113, label %123

113:                                              ; preds = %107
  %114 = getelementptr inbounds nuw i8, ptr %0, i64 104
  %115 = load ptr, ptr %114, align 8
  %116 = icmp eq ptr %115, null
  br i1 %116, label %126, label %117

117:                                              ; preds = %113
  %118 = icmp eq ptr %109, null
  br i1 %118, label %119, label %123

119:                                              ; preds = %117
  %120 = getelementptr inbounds nuw i8, ptr %1, i64 48
  %121 = load ptr, ptr %120, align 8
  %122 = icmp eq ptr %121, null
  br i1 %122, label %126, label %123

123:                                              ; preds = %9, %13, %16, %82, %85, %89, %97, %103, %107, %117, %119
  %124 = phi i64 [ %84, %82 ], [ ptrtoint (ptr @.str.13 to i64), %103 ], [ ptrtoint (ptr @.str.12 to i64), %97 ], [ ptrtoint (ptr @.str.11 to i64), %85 ], [ ptrtoint (ptr @.str.8 to i64), %13 ], [ ptrtoint (ptr @.str.10 to i64), %9 ], [ ptrtoint (ptr @.str.8 to i64), %16 ], [ ptrtoint (ptr @.str.11 to i64), %89 ], [ ptrtoint (ptr @.str.13 to i64), %107 ], [ ptrtoint (ptr @.str.14 to i64), %119 ], [ ptrtoint (ptr @.str.14 to i64), %117 ]
  %125 = phi i32 [ 6, %82 ], [ 1, %103 ], [ 1, %97 ], [ 1, %85 ], [ 8, %13 ], [ 1, %9 ], [ 8, %16 ], [ 1, %89 ], [ 1, %107 ], [ 7, %119 ], [ 7, %117 ]
  store atomic i64 %124, ptr @creation_error monotonic, align 8
  br label %434

126:                                              ; preds = %113, %119
  %127 = tail call dereferenceable_or_null(64) ptr @calloc(i64 noundef 1, i64 noundef 64) #13
  %128 = icmp eq ptr %127, null
  br i1 %128, label %129, label %130

129:                                              ; preds = %126
  store atomic i64 ptrtoint (ptr @.str.2 to i64), ptr @creation_error monotonic, align 8
  br label %434

130:                                              ; preds = %126
  store ptr %0, ptr %127, align 8
  %131 = getelementptr inbounds nuw i8, ptr %127, i64 32
  store atomic i8 0, ptr %131 seq_cst, align 8
  %132 = getelementptr inbounds nuw i8, ptr %127, i64 40
  store ptr @.str, ptr %132, align 8
  %133 = getelementptr inbounds nuw i8, ptr %0, i64 32
  %134 = load i64, ptr %133, align 8
  %135 = add nsw i64 %134, 2
  %136 = getelementptr inbounds nuw i8, ptr %0, i64 40
  %137 = load i64, ptr %136, align 8
  %138 = add nsw i64 %135, %137
  %139 = getelementptr inbounds nuw i8, ptr %0, i64 24
  %140 = load i64, ptr %139, align 8
  %141 = add i64 %140, 1
  %142 = tail call ptr @calloc(i64 noundef %141, i64 noundef 40) #13
  %143 = getelementptr inbounds nuw i8, ptr %127, i64 48
  store ptr %142, ptr %143, align 8
  %144 = tail call ptr @calloc(i64 noundef %138, i64 noundef 8) #13
  %145 = getelementptr inbounds nuw i8, ptr %127, i64 56
  store ptr %144, ptr %145, align 8
  br i1 %96, label %146, label %162

146:                                              ; preds = %130
  %147 = getelementptr inbounds nuw i8, ptr %0, i64 56
  %148 = load i64, ptr %147, align 8
  %149 = icmp ugt i64 %148, 524287
  call void @llvm.lifetime.start.p0(ptr nonnull %5) #7
  store ptr null, ptr %5, align 8
  %150 = select i1 %149, i64 2097152, i64 64
  %151 = tail call i64 @llvm.umax.i64(i64 %148, i64 1)
  %152 = call i32 @posix_memalign(ptr noundef nonnull %5, i64 noundef %150, i64 noundef %151) #7
  %153 = icmp eq i32 %152, 0
  br i1 %153, label %154, label %160

154:                                              ; preds = %146
  br i1 %149, label %155, label %158

155:                                              ; preds = %154
  %156 = load ptr, ptr %5, align 8
  %157 = call i32 @madvise(ptr noundef %156, i64 noundef %148, i32 noundef 14) #7
  br label %158

158:                                              ; preds = %155, %154
  %159 = load ptr, ptr %5, align 8
  br label %160

160:                                              ; preds = %158, %146
  %161 = phi ptr [ %159, %158 ], [ null, %146 ]
  call void @llvm.lifetime.end.p0(ptr nonnull %5) #7
  br label %162

162:                                              ; preds = %160, %130
  %163 = phi ptr [ %161, %160 ], [ null, %130 ]
  %164 = getelementptr inbounds nuw i8, ptr %127, i64 16
  store ptr %163, ptr %164, align 8
  %165 = icmp eq ptr %142, null
  %166 = icmp eq ptr %144, null
  %167 = or i1 %165, %166
  br i1 %167, label %429, label %168

168:                                              ; preds = %162
  %169 = load ptr, ptr %94, align 8
  %170 = icmp eq ptr %169, null
  %171 = icmp eq ptr %163, null
  %172 = select i1 %170, i1 %171, i1 false
  br i1 %172, label %429, label %173

173:                                              ; preds = %168
  %174 = load i64, ptr %139, align 8
  %175 = icmp sgt i64 %174, 0
  br i1 %175, label %176, label %192

176:                                              ; preds = %173
  %177 = getelementptr inbounds nuw i8, ptr %0, i64 72
  %178 = load ptr, ptr %177, align 8
  %179 = load i64, ptr %90, align 8
  %180 = and i64 %174, 1
  %181 = icmp eq i64 %174, 1
  br i1 %181, label %186, label %182

182:                                              ; preds = %176
  %183 = and i64 %174, 9223372036854775806
  br label %395

184:                                              ; preds = %395
  %185 = icmp eq i64 %180, 0
  br i1 %185, label %192, label %186

186:                                              ; preds = %184, %176
  %187 = phi i64 [ 0, %176 ], [ %405, %184 ]
  %188 = icmp ne i64 %180, 0
  call void @llvm.assume(i1 %188)
  %189 = getelementptr inbounds nuw %struct.pattern_layer, ptr %142, i64 %187
  %190 = getelementptr inbounds nuw %struct.pattern_layer, ptr %178, i64 %187
  call void @llvm.memcpy.p0.p0.i64(ptr noundef nonnull align 8 dereferenceable(40) %189, ptr noundef nonnull align 8 dereferenceable(40) %190, i64 32, i1 false)
  %191 = getelementptr inbounds nuw i8, ptr %189, i64 32
  store i64 %179, ptr %191, align 8
  br label %192

192:                                              ; preds = %186, %184, %173
  %193 = load ptr, ptr %114, align 8
  %194 = icmp eq ptr %193, null
  br i1 %194, label %195, label %408

195:                                              ; preds = %192
  %196 = load ptr, ptr %108, align 8
  %197 = icmp eq ptr %196, null
  br i1 %197, label %198, label %224

198:                                              ; preds = %195
  %199 = getelementptr inbounds nuw i8, ptr %1, i64 48
  %200 = load ptr, ptr %199, align 8
  %201 = icmp eq ptr %200, null
  br i1 %201, label %429, label %202

202:                                              ; preds = %198
  %203 = getelementptr inbounds nuw i8, ptr %0, i64 64
  %204 = load i64, ptr %203, align 8
  %205 = call i32 (ptr, i32, ...) @open(ptr noundef nonnull readonly %200, i32 noundef 524288) #7
  %206 = icmp slt i32 %205, 0
  br i1 %206, label %429, label %207

207:                                              ; preds = %202
  %208 = call i64 @lseek(i32 noundef %205, i64 noundef 0, i32 noundef 2) #7
  %209 = icmp eq i64 %208, %204
  %210 = icmp sgt i64 %208, 0
  %211 = and i1 %209, %210
  br i1 %211, label %212, label %214

212:                                              ; preds = %207
  %213 = call ptr @mmap(ptr noundef null, i64 noundef %204, i32 noundef 1, i32 noundef 2, i32 noundef %205, i64 noundef 0) #7
  br label %214

214:                                              ; preds = %212, %207
  %215 = phi ptr [ %213, %212 ], [ inttoptr (i64 -1 to ptr), %207 ]
  %216 = call i32 @close(i32 noundef %205) #7
  br i1 %209, label %217, label %429

217:                                              ; preds = %214
  %218 = icmp eq ptr %215, inttoptr (i64 -1 to ptr)
  %219 = select i1 %210, i1 %218, i1 false
  br i1 %219, label %429, label %220

220:                                              ; preds = %217
  %221 = select i1 %210, ptr %215, ptr null
  %222 = getelementptr inbounds nuw i8, ptr %127, i64 24
  store ptr %221, ptr %222, align 8
  %223 = load i64, ptr %203, align 8
  br label %230

224:                                              ; preds = %195
  %225 = getelementptr inbounds nuw i8, ptr %1, i64 40
  %226 = load i64, ptr %225, align 8
  %227 = getelementptr inbounds nuw i8, ptr %0, i64 64
  %228 = load i64, ptr %227, align 8
  %229 = icmp eq i64 %226, %228
  br i1 %229, label %230, label %429

230:                                              ; preds = %224, %220
  %231 = phi ptr [ %221, %220 ], [ %196, %224 ]
  %232 = phi i64 [ %223, %220 ], [ %226, %224 ]
  call void @llvm.lifetime.start.p0(ptr nonnull %4) #7
  br label %233

233:                                              ; preds = %233, %230
  %234 = phi i64 [ 0, %230 ], [ %272, %233 ]
  %235 = phi <4 x i32> [ <i32 0, i32 1, i32 2, i32 3>, %230 ], [ %273, %233 ]
  %236 = lshr <4 x i32> %235, splat (i32 1)
  %237 = and <4 x i32> %235, splat (i32 1)
  %238 = icmp eq <4 x i32> %237, zeroinitializer
  %239 = select <4 x i1> %238, <4 x i32> zeroinitializer, <4 x i32> splat (i32 -306674912)
  %240 = xor <4 x i32> %239, %236
  %241 = lshr <4 x i32> %240, splat (i32 1)
  %242 = and <4 x i32> %235, splat (i32 2)
  %243 = icmp eq <4 x i32> %242, zeroinitializer
  %244 = select <4 x i1> %243, <4 x i32> zeroinitializer, <4 x i32> splat (i32 -306674912)
  %245 = xor <4 x i32> %241, %244
  %246 = lshr <4 x i32> %245, splat (i32 6)
  %247 = and <4 x i32> %235, splat (i32 4)
  %248 = icmp eq <4 x i32> %247, zeroinitializer
  %249 = select <4 x i1> %248, <4 x i32> zeroinitializer, <4 x i32> splat (i32 124634137)
  %250 = and <4 x i32> %235, splat (i32 8)
  %251 = icmp eq <4 x i32> %250, zeroinitializer
  %252 = select <4 x i1> %251, <4 x i32> zeroinitializer, <4 x i32> splat (i32 249268274)
  %253 = and <4 x i32> %235, splat (i32 16)
  %254 = icmp eq <4 x i32> %253, zeroinitializer
  %255 = select <4 x i1> %254, <4 x i32> zeroinitializer, <4 x i32> splat (i32 498536548)
  %256 = and <4 x i32> %235, splat (i32 32)
  %257 = icmp eq <4 x i32> %256, zeroinitializer
  %258 = select <4 x i1> %257, <4 x i32> zeroinitializer, <4 x i32> splat (i32 997073096)
  %259 = and <4 x i32> %240, splat (i32 32)
  %260 = icmp eq <4 x i32> %259, zeroinitializer
  %261 = select <4 x i1> %260, <4 x i32> zeroinitializer, <4 x i32> splat (i32 1994146192)
  %262 = and <4 x i32> %245, splat (i32 32)
  %263 = icmp eq <4 x i32> %262, zeroinitializer
  %264 = select <4 x i1> %263, <4 x i32> zeroinitializer, <4 x i32> splat (i32 -306674912)
  %265 = xor <4 x i32> %252, %249
  %266 = xor <4 x i32> %265, %255
  %267 = xor <4 x i32> %266, %258
  %268 = xor <4 x i32> %267, %246
  %269 = xor <4 x i32> %268, %261
  %270 = xor <4 x i32> %269, %264
  %271 = getelementptr inbounds nuw i32, ptr %4, i64 %234
  store <4 x i32> %270, ptr %271, align 16
  %272 = add nuw i64 %234, 4
  %273 = add <4 x i32> %235, splat (i32 4)
  %274 = icmp eq i64 %272, 256
  br i1 %274, label %275, label %233, !llvm.loop !21

275:                                              ; preds = %233
  %276 = getelementptr inbounds nuw i8, ptr %4, i64 1024
  %277 = getelementptr inbounds nuw i8, ptr %4, i64 2048
  %278 = getelementptr inbounds nuw i8, ptr %4, i64 3072
  br label %279

279:                                              ; preds = %279, %275
  %280 = phi i64 [ 0, %275 ], [ %304, %279 ]
  %281 = getelementptr inbounds nuw i32, ptr %4, i64 %280
  %282 = load i32, ptr %281, align 4
  %283 = lshr i32 %282, 8
  %284 = and i32 %282, 255
  %285 = zext nneg i32 %284 to i64
  %286 = getelementptr inbounds nuw i32, ptr %4, i64 %285
  %287 = load i32, ptr %286, align 4
  %288 = xor i32 %283, %287
  %289 = getelementptr inbounds nuw i32, ptr %276, i64 %280
  store i32 %288, ptr %289, align 4
  %290 = lshr i32 %288, 8
  %291 = and i32 %288, 255
  %292 = zext nneg i32 %291 to i64
  %293 = getelementptr inbounds nuw i32, ptr %4, i64 %292
  %294 = load i32, ptr %293, align 4
  %295 = xor i32 %290, %294
  %296 = getelementptr inbounds nuw i32, ptr %277, i64 %280
  store i32 %295, ptr %296, align 4
  %297 = lshr i32 %295, 8
  %298 = and i32 %295, 255
  %299 = zext nneg i32 %298 to i64
  %300 = getelementptr inbounds nuw i32, ptr %4, i64 %299
  %301 = load i32, ptr %300, align 4
  %302 = xor i32 %297, %301
  %303 = getelementptr inbounds nuw i32, ptr %278, i64 %280
  store i32 %302, ptr %303, align 4
  %304 = add nuw nsw i64 %280, 1
  %305 = icmp eq i64 %304, 256
  br i1 %305, label %306, label %279, !llvm.loop !24

306:                                              ; preds = %279
  %307 = icmp sgt i64 %232, 3
  br i1 %307, label %333, label %308

308:                                              ; preds = %333, %306
  %309 = phi ptr [ %231, %306 ], [ %361, %333 ]
  %310 = phi i64 [ %232, %306 ], [ %360, %333 ]
  %311 = phi i32 [ -1, %306 ], [ %359, %333 ]
  %312 = icmp sgt i64 %310, 0
  br i1 %312, label %313, label %387

313:                                              ; preds = %308
  %314 = and i64 %310, 1
  %315 = icmp eq i64 %314, 0
  br i1 %315, label %327, label %316

316:                                              ; preds = %313
  %317 = lshr i32 %311, 8
  %318 = load i8, ptr %309, align 1
  %319 = trunc i32 %311 to i8
  %320 = xor i8 %318, %319
  %321 = zext i8 %320 to i64
  %322 = getelementptr inbounds nuw i32, ptr %4, i64 %321
  %323 = load i32, ptr %322, align 4
  %324 = xor i32 %323, %317
  %325 = add nsw i64 %310, -1
  %326 = getelementptr inbounds nuw i8, ptr %309, i64 1
  br label %327

327:                                              ; preds = %316, %313
  %328 = phi i32 [ %311, %313 ], [ %324, %316 ]
  %329 = phi i64 [ %310, %313 ], [ %325, %316 ]
  %330 = phi ptr [ %309, %313 ], [ %326, %316 ]
  %331 = phi i32 [ poison, %313 ], [ %324, %316 ]
  %332 = icmp eq i64 %310, 1
  br i1 %332, label %387, label %363

333:                                              ; preds = %306, %333
  %334 = phi i32 [ %359, %333 ], [ -1, %306 ]
  %335 = phi i64 [ %360, %333 ], [ %232, %306 ]
  %336 = phi ptr [ %361, %333 ], [ %231, %306 ]
  %337 = load i32, ptr %336, align 1
  %338 = xor i32 %337, %334
  %339 = and i32 %338, 255
  %340 = zext nneg i32 %339 to i64
  %341 = getelementptr inbounds nuw i32, ptr %278, i64 %340
  %342 = load i32, ptr %341, align 4
  %343 = lshr i32 %338, 8
  %344 = and i32 %343, 255
  %345 = zext nneg i32 %344 to i64
  %346 = getelementptr inbounds nuw i32, ptr %277, i64 %345
  %347 = load i32, ptr %346, align 4
  %348 = xor i32 %347, %342
  %349 = lshr i32 %338, 16
  %350 = and i32 %349, 255
  %351 = zext nneg i32 %350 to i64
  %352 = getelementptr inbounds nuw i32, ptr %276, i64 %351
  %353 = load i32, ptr %352, align 4
  %354 = xor i32 %348, %353
  %355 = lshr i32 %338, 24
  %356 = zext nneg i32 %355 to i64
  %357 = getelementptr inbounds nuw i32, ptr %4, i64 %356
  %358 = load i32, ptr %357, align 4
  %359 = xor i32 %354, %358
  %360 = add nsw i64 %335, -4
  %361 = getelementptr inbounds nuw i8, ptr %336, i64 4
  %362 = icmp samesign ugt i64 %335, 7
  br i1 %362, label %333, label %308, !llvm.loop !25

363:                                              ; preds = %327, %363
  %364 = phi i32 [ %383, %363 ], [ %328, %327 ]
  %365 = phi i64 [ %384, %363 ], [ %329, %327 ]
  %366 = phi ptr [ %385, %363 ], [ %330, %327 ]
  %367 = lshr i32 %364, 8
  %368 = load i8, ptr %366, align 1
  %369 = trunc i32 %364 to i8
  %370 = xor i8 %368, %369
  %371 = zext i8 %370 to i64
  %372 = getelementptr inbounds nuw i32, ptr %4, i64 %371
  %373 = load i32, ptr %372, align 4
  %374 = xor i32 %373, %367
  %375 = getelementptr inbounds nuw i8, ptr %366, i64 1
  %376 = lshr i32 %374, 8
  %377 = load i8, ptr %375, align 1
  %378 = trunc i32 %374 to i8
  %379 = xor i8 %377, %378
  %380 = zext i8 %379 to i64
  %381 = getelementptr inbounds nuw i32, ptr %4, i64 %380
  %382 = load i32, ptr %381, align 4
  %383 = xor i32 %382, %376
  %384 = add nsw i64 %365, -2
  %385 = getelementptr inbounds nuw i8, ptr %366, i64 2
  %386 = icmp sgt i64 %365, 2
  br i1 %386, label %363, label %387, !llvm.loop !26

387:                                              ; preds = %327, %363, %308
  %388 = phi i32 [ %311, %308 ], [ %331, %327 ], [ %383, %363 ]
  call void @llvm.lifetime.end.p0(ptr nonnull %4) #7
  %389 = getelementptr inbounds nuw i8, ptr %0, i64 112
  %390 = load i32, ptr %389, align 8
  %391 = xor i32 %390, %388
  %392 = icmp eq i32 %391, -1
  br i1 %392, label %393, label %429

393:                                              ; preds = %387
  %394 = load ptr, ptr %94, align 8
  br label %408

395:                                              ; preds = %395, %182
  %396 = phi i64 [ 0, %182 ], [ %405, %395 ]
  %397 = phi i64 [ 0, %182 ], [ %406, %395 ]
  %398 = getelementptr inbounds nuw %struct.pattern_layer, ptr %142, i64 %396
  %399 = getelementptr inbounds nuw %struct.pattern_layer, ptr %178, i64 %396
  call void @llvm.memcpy.p0.p0.i64(ptr noundef nonnull align 8 dereferenceable(40) %398, ptr noundef nonnull align 8 dereferenceable(40) %399, i64 32, i1 false)
  %400 = getelementptr inbounds nuw i8, ptr %398, i64 32
  store i64 %179, ptr %400, align 8
  %401 = or disjoint i64 %396, 1
  %402 = getelementptr inbounds nuw %struct.pattern_layer, ptr %142, i64 %401
  %403 = getelementptr inbounds nuw %struct.pattern_layer, ptr %178, i64 %401
  call void @llvm.memcpy.p0.p0.i64(ptr noundef nonnull align 8 dereferenceable(40) %402, ptr noundef nonnull align 8 dereferenceable(40) %403, i64 32, i1 false)
  %404 = getelementptr inbounds nuw i8, ptr %402, i64 32
  store i64 %179, ptr %404, align 8
  %405 = add nuw nsw i64 %396, 2
  %406 = add i64 %397, 2
  %407 = icmp eq i64 %406, %183
  br i1 %407, label %184, label %395, !llvm.loop !27

408:                                              ; preds = %393, %192
  %409 = phi ptr [ %169, %192 ], [ %394, %393 ]
  %410 = phi ptr [ %193, %192 ], [ %231, %393 ]
  %411 = icmp eq ptr %409, null
  %412 = select i1 %411, ptr %163, ptr %409
  store ptr %412, ptr %144, align 8
  %413 = getelementptr inbounds nuw i8, ptr %144, i64 8
  store ptr %410, ptr %413, align 8
  %414 = load i32, ptr %86, align 4
  %415 = icmp eq i32 %414, 0
  br i1 %415, label %416, label %419

416:                                              ; preds = %408
  %417 = getelementptr inbounds nuw i8, ptr %0, i64 8
  %418 = load i32, ptr %417, align 8
  br label %419

419:                                              ; preds = %416, %408
  %420 = phi i32 [ %418, %416 ], [ %414, %408 ]
  %421 = getelementptr inbounds nuw i8, ptr %127, i64 8
  %422 = call i32 @pattern_instance_create(i32 noundef %420, ptr noundef nonnull %421)
  switch i32 %422, label %425 [
    i32 0, label %433
    i32 3, label %424
    i32 1, label %426
    i32 2, label %423
  ]

423:                                              ; preds = %419
  br label %426

424:                                              ; preds = %419
  br label %426

425:                                              ; preds = %419
  unreachable

426:                                              ; preds = %424, %423, %419
  %427 = phi ptr [ @.str.2, %423 ], [ @.str.3, %424 ], [ @.str.1, %419 ]
  %428 = ptrtoint ptr %427 to i64
  br label %429

429:                                              ; preds = %426, %387, %224, %217, %214, %202, %198, %168, %162
  %430 = phi i64 [ %428, %426 ], [ ptrtoint (ptr @.str.2 to i64), %162 ], [ ptrtoint (ptr @.str.2 to i64), %168 ], [ ptrtoint (ptr @.str.17 to i64), %387 ], [ ptrtoint (ptr @.str.19 to i64), %214 ], [ ptrtoint (ptr @.str.18 to i64), %202 ], [ ptrtoint (ptr @.str.15 to i64), %198 ], [ ptrtoint (ptr @.str.16 to i64), %224 ], [ ptrtoint (ptr @.str.20 to i64), %217 ]
  %431 = phi i32 [ %422, %426 ], [ 2, %162 ], [ 2, %168 ], [ 7, %387 ], [ 7, %214 ], [ 7, %202 ], [ 7, %198 ], [ 7, %224 ], [ 7, %217 ]
  store atomic i64 %430, ptr @creation_error monotonic, align 8
  %432 = call i32 @pattern_model_destroy(ptr noundef nonnull %127)
  br label %434

433:                                              ; preds = %419
  store ptr %127, ptr %2, align 8
  br label %434

434:                                              ; preds = %123, %433, %429, %129, %8
  %435 = phi i32 [ 1, %8 ], [ %125, %123 ], [ %431, %429 ], [ 0, %433 ], [ 2, %129 ]
  ret i32 %435
}

; Function Attrs: nounwind
define hidden range(i32 0, 5) i32 @pattern_model_destroy(ptr noundef captures(address_is_null) %0) local_unnamed_addr #1 {
  %2 = icmp eq ptr %0, null
  br i1 %2, label %41, label %3

3:                                                ; preds = %1
  %4 = getelementptr inbounds nuw i8, ptr %0, i64 32
  %5 = atomicrmw xchg ptr %4, i8 1 seq_cst, align 8
  %6 = trunc i8 %5 to i1
  br i1 %6, label %7, label %9

7:                                                ; preds = %3
  %8 = getelementptr inbounds nuw i8, ptr %0, i64 40
  store atomic i64 ptrtoint (ptr @.str.4 to i64), ptr %8 monotonic, align 8
  br label %41

9:                                                ; preds = %3
  %10 = getelementptr inbounds nuw i8, ptr %0, i64 8
  %11 = load ptr, ptr %10, align 8
  %12 = icmp eq ptr %11, null
  br i1 %12, label %25, label %13

13:                                               ; preds = %9
  %14 = getelementptr inbounds nuw i8, ptr %11, i64 4
  %15 = load i32, ptr %14, align 4
  %16 = tail call i32 @getpid() #7
  %17 = icmp eq i32 %15, %16
  br i1 %17, label %19, label %18

18:                                               ; preds = %13
  tail call void @free(ptr noundef nonnull %11)
  br label %25

19:                                               ; preds = %13
  %20 = getelementptr inbounds nuw i8, ptr %11, i64 8
  %21 = atomicrmw xchg ptr %20, i8 1 seq_cst, align 8
  %22 = trunc i8 %21 to i1
  br i1 %22, label %25, label %23

23:                                               ; preds = %19
  %24 = load i32, ptr %11, align 8
  tail call fastcc void @stop(ptr noundef %11, i32 noundef %24)
  br label %25

25:                                               ; preds = %9, %18, %19, %23
  %26 = getelementptr inbounds nuw i8, ptr %0, i64 24
  %27 = load ptr, ptr %26, align 8
  %28 = icmp eq ptr %27, null
  br i1 %28, label %34, label %29

29:                                               ; preds = %25
  %30 = load ptr, ptr %0, align 8
  %31 = getelementptr inbounds nuw i8, ptr %30, i64 64
  %32 = load i64, ptr %31, align 8
  %33 = tail call i32 @munmap(ptr noundef nonnull %27, i64 noundef %32) #7
  br label %34

34:                                               ; preds = %29, %25
  %35 = getelementptr inbounds nuw i8, ptr %0, i64 16
  %36 = load ptr, ptr %35, align 8
  tail call void @free(ptr noundef %36)
  %37 = getelementptr inbounds nuw i8, ptr %0, i64 56
  %38 = load ptr, ptr %37, align 8
  tail call void @free(ptr noundef %38)
  %39 = getelementptr inbounds nuw i8, ptr %0, i64 48
  %40 = load ptr, ptr %39, align 8
  tail call void @free(ptr noundef %40)
  tail call void @free(ptr noundef nonnull %0)
  br label %41

41:                                               ; preds = %1, %34, %7
  %42 = phi i32 [ 4, %7 ], [ 0, %34 ], [ 0, %1 ]
  ret i32 %42
}

; Function Attrs: nounwind
define hidden range(i32 0, 6) i32 @pattern_model_run(ptr noundef captures(address_is_null) %0, ptr noundef readonly captures(address_is_null) %1, ptr noundef readonly captures(address_is_null) %2, i64 noundef %3, ptr noundef captures(address_is_null) %4) local_unnamed_addr #1 {
  %6 = icmp eq ptr %0, null
  br i1 %6, label %143, label %7

7:                                                ; preds = %5
  %8 = load ptr, ptr %0, align 8
  %9 = icmp slt i64 %3, 1
  br i1 %9, label %53, label %10

10:                                               ; preds = %7
  %11 = getelementptr inbounds nuw i8, ptr %8, i64 16
  %12 = load i64, ptr %11, align 8
  %13 = srem i64 %3, %12
  %14 = icmp eq i64 %13, 0
  br i1 %14, label %15, label %53

15:                                               ; preds = %10
  %16 = icmp eq i64 %3, %12
  br i1 %16, label %21, label %17

17:                                               ; preds = %15
  %18 = getelementptr inbounds nuw i8, ptr %8, i64 12
  %19 = load i32, ptr %18, align 4
  %20 = icmp eq i32 %19, 0
  br i1 %20, label %53, label %21

21:                                               ; preds = %17, %15
  %22 = getelementptr inbounds nuw i8, ptr %8, i64 32
  %23 = load i64, ptr %22, align 8
  %24 = icmp eq i64 %23, 0
  %25 = icmp ne ptr %1, null
  %26 = or i1 %25, %24
  br i1 %26, label %27, label %53

27:                                               ; preds = %21
  %28 = getelementptr inbounds nuw i8, ptr %8, i64 40
  %29 = load i64, ptr %28, align 8
  %30 = icmp eq i64 %29, 0
  %31 = icmp ne ptr %2, null
  %32 = or i1 %31, %30
  br i1 %32, label %33, label %53

33:                                               ; preds = %27
  %34 = icmp sgt i64 %23, 0
  br i1 %34, label %40, label %38

35:                                               ; preds = %40
  %36 = add nuw nsw i64 %41, 1
  %37 = icmp eq i64 %36, %23
  br i1 %37, label %38, label %40, !llvm.loop !28

38:                                               ; preds = %35, %33
  %39 = icmp sgt i64 %29, 0
  br i1 %39, label %48, label %57

40:                                               ; preds = %33, %35
  %41 = phi i64 [ %36, %35 ], [ 0, %33 ]
  %42 = getelementptr inbounds nuw ptr, ptr %1, i64 %41
  %43 = load ptr, ptr %42, align 8
  %44 = icmp eq ptr %43, null
  br i1 %44, label %53, label %35

45:                                               ; preds = %48
  %46 = add nuw nsw i64 %49, 1
  %47 = icmp eq i64 %46, %29
  br i1 %47, label %57, label %48, !llvm.loop !29

48:                                               ; preds = %38, %45
  %49 = phi i64 [ %46, %45 ], [ 0, %38 ]
  %50 = getelementptr inbounds nuw ptr, ptr %2, i64 %49
  %51 = load ptr, ptr %50, align 8
  %52 = icmp eq ptr %51, null
  br i1 %52, label %53, label %45

53:                                               ; preds = %40, %48, %7, %21, %27, %17, %10
  %54 = phi ptr [ @.str.25, %48 ], [ @.str.21, %7 ], [ @.str.21, %10 ], [ @.str.22, %17 ], [ @.str.23, %27 ], [ @.str.23, %21 ], [ @.str.24, %40 ]
  %55 = getelementptr inbounds nuw i8, ptr %0, i64 40
  %56 = ptrtoint ptr %54 to i64
  store atomic i64 %56, ptr %55 monotonic, align 8
  br label %143

57:                                               ; preds = %45, %38
  %58 = getelementptr inbounds nuw i8, ptr %0, i64 32
  %59 = atomicrmw xchg ptr %58, i8 1 seq_cst, align 8
  %60 = trunc i8 %59 to i1
  br i1 %60, label %67, label %61

61:                                               ; preds = %57
  %62 = getelementptr inbounds nuw i8, ptr %8, i64 24
  %63 = icmp eq ptr %4, null
  br i1 %63, label %69, label %64

64:                                               ; preds = %61
  %65 = load i64, ptr %62, align 8
  %66 = icmp sgt i64 %65, 0
  br i1 %66, label %73, label %69

67:                                               ; preds = %57
  %68 = getelementptr inbounds nuw i8, ptr %0, i64 40
  store atomic i64 ptrtoint (ptr @.str.4 to i64), ptr %68 monotonic, align 8
  br label %143

69:                                               ; preds = %73, %64, %61
  %70 = getelementptr inbounds nuw i8, ptr %0, i64 56
  %71 = getelementptr inbounds nuw i8, ptr %0, i64 8
  %72 = getelementptr inbounds nuw i8, ptr %0, i64 48
  br label %79

73:                                               ; preds = %64, %73
  %74 = phi i64 [ %76, %73 ], [ 0, %64 ]
  %75 = getelementptr inbounds nuw i64, ptr %4, i64 %74
  store i64 0, ptr %75, align 8
  %76 = add nuw nsw i64 %74, 1
  %77 = load i64, ptr %62, align 8
  %78 = icmp slt i64 %76, %77
  br i1 %78, label %73, label %69

79:                                               ; preds = %69, %128
  %80 = phi i64 [ 0, %69 ], [ %134, %128 ]
  %81 = load i64, ptr %11, align 8
  %82 = sdiv i64 %3, %81
  %83 = icmp slt i64 %80, %82
  br i1 %83, label %85, label %84

84:                                               ; preds = %79
  store atomic i8 0, ptr %58 seq_cst, align 8
  br label %143

85:                                               ; preds = %79
  %86 = load ptr, ptr %0, align 8
  %87 = load ptr, ptr %70, align 8
  %88 = getelementptr inbounds nuw i8, ptr %87, i64 16
  %89 = getelementptr inbounds nuw i8, ptr %86, i64 32
  %90 = load i64, ptr %89, align 8
  %91 = icmp sgt i64 %90, 0
  br i1 %91, label %92, label %94

92:                                               ; preds = %85
  %93 = getelementptr inbounds nuw i8, ptr %86, i64 80
  br label %102

94:                                               ; preds = %102, %85
  %95 = phi i64 [ %90, %85 ], [ %113, %102 ]
  %96 = getelementptr inbounds ptr, ptr %88, i64 %95
  %97 = getelementptr inbounds nuw i8, ptr %86, i64 40
  %98 = load i64, ptr %97, align 8
  %99 = icmp sgt i64 %98, 0
  br i1 %99, label %100, label %128

100:                                              ; preds = %94
  %101 = getelementptr inbounds nuw i8, ptr %86, i64 88
  br label %115

102:                                              ; preds = %102, %92
  %103 = phi i64 [ 0, %92 ], [ %112, %102 ]
  %104 = getelementptr inbounds nuw ptr, ptr %1, i64 %103
  %105 = load ptr, ptr %104, align 8
  %106 = load ptr, ptr %93, align 8
  %107 = getelementptr inbounds nuw i64, ptr %106, i64 %103
  %108 = load i64, ptr %107, align 8
  %109 = mul nsw i64 %108, %80
  %110 = getelementptr inbounds i8, ptr %105, i64 %109
  %111 = getelementptr inbounds nuw ptr, ptr %88, i64 %103
  store ptr %110, ptr %111, align 8
  %112 = add nuw nsw i64 %103, 1
  %113 = load i64, ptr %89, align 8
  %114 = icmp slt i64 %112, %113
  br i1 %114, label %102, label %94, !llvm.loop !30

115:                                              ; preds = %115, %100
  %116 = phi i64 [ 0, %100 ], [ %125, %115 ]
  %117 = getelementptr inbounds nuw ptr, ptr %2, i64 %116
  %118 = load ptr, ptr %117, align 8
  %119 = load ptr, ptr %101, align 8
  %120 = getelementptr inbounds nuw i64, ptr %119, i64 %116
  %121 = load i64, ptr %120, align 8
  %122 = mul nsw i64 %121, %80
  %123 = getelementptr inbounds i8, ptr %118, i64 %122
  %124 = getelementptr inbounds nuw ptr, ptr %96, i64 %116
  store ptr %123, ptr %124, align 8
  %125 = add nuw nsw i64 %116, 1
  %126 = load i64, ptr %97, align 8
  %127 = icmp slt i64 %125, %126
  br i1 %127, label %115, label %128, !llvm.loop !31

128:                                              ; preds = %115, %94
  %129 = load ptr, ptr %71, align 8
  %130 = load ptr, ptr %72, align 8
  %131 = load i64, ptr %62, align 8
  %132 = load ptr, ptr %70, align 8
  %133 = tail call i32 @pattern_instance_run(ptr noundef %129, ptr noundef %130, i64 noundef %131, ptr noundef %132, ptr noundef %4)
  %134 = add nuw nsw i64 %80, 1
  %135 = icmp eq i32 %133, 0
  br i1 %135, label %79, label %136, !llvm.loop !32

136:                                              ; preds = %128
  store atomic i8 0, ptr %58 seq_cst, align 8
  %137 = zext nneg i32 %133 to i64
  %138 = getelementptr ptr, ptr @switch.table.pattern_model_run, i64 %137
  %139 = getelementptr i8, ptr %138, i64 -8
  %140 = load ptr, ptr %139, align 8
  %141 = getelementptr inbounds nuw i8, ptr %0, i64 40
  %142 = ptrtoint ptr %140 to i64
  store atomic i64 %142, ptr %141 monotonic, align 8
  br label %143

143:                                              ; preds = %84, %53, %67, %136, %5
  %144 = phi i32 [ 1, %5 ], [ 1, %53 ], [ 4, %67 ], [ %133, %136 ], [ 0, %84 ]
  ret i32 %144
}

; Function Attrs: mustprogress nofree norecurse nounwind willreturn memory(readwrite, inaccessiblemem: none, target_mem0: none, target_mem1: none)
define hidden ptr @pattern_model_last_error(ptr noundef readonly captures(address_is_null) %0) local_unnamed_addr #6 {
  %2 = icmp eq ptr %0, null
  %3 = getelementptr inbounds nuw i8, ptr %0, i64 40
  %4 = select i1 %2, ptr @creation_error, ptr %3
  %5 = load atomic i64, ptr %4 monotonic, align 8
  %6 = inttoptr i64 %5 to ptr
  ret ptr %6
}

declare i32 @munmap(ptr noundef, i64 noundef) local_unnamed_addr #4

; Function Attrs: nounwind
define internal fastcc void @compute_part(ptr noundef captures(none) %0, i32 noundef %1) unnamed_addr #1 {
  %3 = getelementptr inbounds nuw i8, ptr %0, i64 16
  %4 = load ptr, ptr %3, align 8
  %5 = getelementptr inbounds nuw i8, ptr %4, i64 32
  %6 = load i64, ptr %5, align 8
  %7 = icmp sgt i64 %6, 0
  br i1 %7, label %13, label %8

8:                                                ; preds = %2
  %9 = load i32, ptr %0, align 8
  %10 = icmp sgt i32 %9, 0
  br i1 %10, label %11, label %131

11:                                               ; preds = %8
  %12 = getelementptr inbounds nuw i8, ptr %0, i64 24
  br label %34

13:                                               ; preds = %2
  %14 = getelementptr inbounds nuw i8, ptr %4, i64 8
  %15 = load i64, ptr %14, align 8
  %16 = tail call i64 @llvm.smin.i64(i64 %6, i64 %15)
  %17 = getelementptr inbounds nuw i8, ptr %0, i64 48
  %18 = atomicrmw add ptr %17, i64 %16 monotonic, align 8
  %19 = load i64, ptr %14, align 8
  %20 = icmp slt i64 %18, %19
  br i1 %20, label %21, label %131

21:                                               ; preds = %13
  %22 = getelementptr inbounds nuw i8, ptr %0, i64 24
  br label %23

23:                                               ; preds = %23, %21
  %24 = phi i64 [ %19, %21 ], [ %32, %23 ]
  %25 = phi i64 [ %18, %21 ], [ %31, %23 ]
  %26 = sub nsw i64 %24, %25
  %27 = load ptr, ptr %4, align 8
  %28 = load ptr, ptr %22, align 8
  %29 = tail call i64 @llvm.smin.i64(i64 %26, i64 %16)
  %30 = add nsw i64 %29, %25
  tail call void %27(ptr noundef %28, i64 noundef %25, i64 noundef %30) #7
  %31 = atomicrmw add ptr %17, i64 %16 monotonic, align 8
  %32 = load i64, ptr %14, align 8
  %33 = icmp slt i64 %31, %32
  br i1 %33, label %23, label %131

34:                                               ; preds = %11, %127
  %35 = phi i32 [ %9, %11 ], [ %128, %127 ]
  %36 = phi i32 [ 0, %11 ], [ %129, %127 ]
  %37 = add nsw i32 %36, %1
  %38 = srem i32 %37, %35
  %39 = load ptr, ptr %3, align 8
  %40 = getelementptr inbounds nuw i8, ptr %39, i64 16
  %41 = load ptr, ptr %40, align 8
  %42 = icmp eq ptr %41, null
  br i1 %42, label %84, label %43

43:                                               ; preds = %34
  %44 = sext i32 %38 to i64
  %45 = getelementptr inbounds nuw i8, ptr %39, i64 24
  %46 = load i64, ptr %45, align 8
  %47 = mul nsw i64 %46, %44
  %48 = sext i32 %35 to i64
  %49 = sdiv i64 %47, %48
  %50 = srem i64 %47, %48
  %51 = getelementptr inbounds i64, ptr %41, i64 %49
  %52 = load i64, ptr %51, align 8
  %53 = icmp eq i64 %50, 0
  br i1 %53, label %64, label %54

54:                                               ; preds = %43
  %55 = getelementptr i8, ptr %51, i64 8
  %56 = load i64, ptr %55, align 8
  %57 = sub nsw i64 %56, %52
  %58 = mul nsw i64 %57, %50
  %59 = sdiv i32 %35, 2
  %60 = sext i32 %59 to i64
  %61 = add nsw i64 %58, %60
  %62 = sdiv i64 %61, %48
  %63 = add nsw i64 %62, %52
  br label %64

64:                                               ; preds = %54, %43
  %65 = phi i64 [ %52, %43 ], [ %63, %54 ]
  %66 = add nsw i32 %38, 1
  %67 = sext i32 %66 to i64
  %68 = mul nsw i64 %46, %67
  %69 = sdiv i64 %68, %48
  %70 = srem i64 %68, %48
  %71 = getelementptr inbounds i64, ptr %41, i64 %69
  %72 = load i64, ptr %71, align 8
  %73 = icmp eq i64 %70, 0
  br i1 %73, label %99, label %74

74:                                               ; preds = %64
  %75 = getelementptr i8, ptr %71, i64 8
  %76 = load i64, ptr %75, align 8
  %77 = sub nsw i64 %76, %72
  %78 = mul nsw i64 %77, %70
  %79 = sdiv i32 %35, 2
  %80 = sext i32 %79 to i64
  %81 = add nsw i64 %78, %80
  %82 = sdiv i64 %81, %48
  %83 = add nsw i64 %82, %72
  br label %99

84:                                               ; preds = %34
  %85 = getelementptr inbounds nuw i8, ptr %39, i64 8
  %86 = load i64, ptr %85, align 8
  %87 = sext i32 %35 to i64
  %88 = sdiv i64 %86, %87
  %89 = srem i64 %86, %87
  %90 = sext i32 %38 to i64
  %91 = mul nsw i64 %88, %90
  %92 = tail call i64 @llvm.smin.i64(i64 %89, i64 %90)
  %93 = add nsw i64 %92, %91
  %94 = add nsw i32 %38, 1
  %95 = sext i32 %94 to i64
  %96 = mul nsw i64 %88, %95
  %97 = tail call i64 @llvm.smin.i64(i64 %89, i64 %95)
  %98 = add nsw i64 %97, %96
  br label %99

99:                                               ; preds = %84, %74, %64
  %100 = phi i64 [ %44, %64 ], [ %44, %74 ], [ %90, %84 ]
  %101 = phi i64 [ %65, %64 ], [ %65, %74 ], [ %93, %84 ]
  %102 = phi i64 [ %72, %64 ], [ %83, %74 ], [ %98, %84 ]
  %103 = sub nsw i64 %102, %101
  %104 = getelementptr %struct.worker, ptr %0, i64 %100
  %105 = getelementptr i8, ptr %104, i64 272
  %106 = atomicrmw add ptr %105, i64 1 monotonic, align 8
  %107 = icmp slt i64 %106, 4
  br i1 %107, label %108, label %127

108:                                              ; preds = %99, %122
  %109 = phi i64 [ %123, %122 ], [ %106, %99 ]
  %110 = ashr i64 %103, %109
  %111 = icmp eq i64 %109, 3
  %112 = add nsw i64 %109, 1
  %113 = ashr i64 %103, %112
  %114 = select i1 %111, i64 0, i64 %113
  %115 = icmp slt i64 %114, %110
  br i1 %115, label %116, label %122

116:                                              ; preds = %108
  %117 = load ptr, ptr %3, align 8
  %118 = load ptr, ptr %117, align 8
  %119 = load ptr, ptr %12, align 8
  %120 = sub i64 %102, %110
  %121 = sub i64 %102, %114
  tail call void %118(ptr noundef %119, i64 noundef %120, i64 noundef %121) #7
  br label %122

122:                                              ; preds = %116, %108
  %123 = atomicrmw add ptr %105, i64 1 monotonic, align 8
  %124 = icmp slt i64 %123, 4
  br i1 %124, label %108, label %125

125:                                              ; preds = %122
  %126 = load i32, ptr %0, align 8
  br label %127

127:                                              ; preds = %125, %99
  %128 = phi i32 [ %126, %125 ], [ %35, %99 ]
  %129 = add nuw nsw i32 %36, 1
  %130 = icmp slt i32 %129, %128
  br i1 %130, label %34, label %131, !llvm.loop !33

131:                                              ; preds = %127, %23, %8, %13
  ret void
}

declare i32 @pthread_mutex_lock(ptr noundef) local_unnamed_addr #4

declare i32 @pthread_cond_signal(ptr noundef) local_unnamed_addr #4

declare i32 @pthread_mutex_unlock(ptr noundef) local_unnamed_addr #4

declare i32 @pthread_cond_wait(ptr noundef, ptr noundef) local_unnamed_addr #4

declare i32 @sched_yield() local_unnamed_addr #4

; Function Attrs: nounwind
declare void @llvm.x86.sse2.pause() #7

declare i32 @pthread_join(ptr noundef, ptr noundef) local_unnamed_addr #4

declare i32 @pthread_cond_destroy(ptr noundef) local_unnamed_addr #4

declare i32 @pthread_mutex_destroy(ptr noundef) local_unnamed_addr #4

declare i32 @pthread_cond_broadcast(ptr noundef) local_unnamed_addr #4

declare i32 @clock_gettime(i32 noundef, ptr noundef) local_unnamed_addr #4

; Function Attrs: mustprogress nocallback nofree nounwind willreturn memory(argmem: readwrite)
declare void @llvm.memcpy.p0.p0.i64(ptr noalias writeonly captures(none), ptr noalias readonly captures(none), i64, i1 immarg) #8

; Function Attrs: nofree
declare i32 @posix_memalign(ptr noundef, i64 noundef, i64 noundef) local_unnamed_addr #9

declare i32 @madvise(ptr noundef, i64 noundef, i32 noundef) local_unnamed_addr #4

; Function Attrs: nofree
declare noundef i32 @open(ptr noundef readonly captures(none), i32 noundef, ...) local_unnamed_addr #9

declare i64 @lseek(i32 noundef, i64 noundef, i32 noundef) local_unnamed_addr #4

declare ptr @mmap(ptr noundef, i64 noundef, i32 noundef, i32 noundef, i32 noundef, i64 noundef) local_unnamed_addr #4

declare i32 @close(i32 noundef) local_unnamed_addr #4

; Function Attrs: nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.smin.i64(i64, i64) #10

; Function Attrs: nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.umax.i64(i64, i64) #10

; Function Attrs: nocallback nofree nosync nounwind willreturn memory(inaccessiblemem: write)
declare void @llvm.assume(i1 noundef) #11

; Function Attrs: nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none)
declare i32 @llvm.umax.i32(i32, i32) #10

; Function Attrs: nocallback nofree nosync nounwind willreturn memory(argmem: read)
declare ptr @llvm.load.relative.i64(ptr, i64) #12

attributes #0 = { mustprogress nofree norecurse nosync nounwind willreturn memory(none) "no-trapping-math"="true" }
attributes #1 = { nounwind "no-trapping-math"="true" }
attributes #2 = { mustprogress nocallback nofree nosync nounwind willreturn memory(argmem: readwrite) }
attributes #3 = { mustprogress nofree nounwind willreturn allockind("alloc,zeroed") allocsize(0,1) memory(inaccessiblemem: readwrite) "alloc-family"="malloc" "no-trapping-math"="true" }
attributes #4 = { "no-trapping-math"="true" }
attributes #5 = { mustprogress nounwind willreturn allockind("free") memory(argmem: readwrite, inaccessiblemem: readwrite) "alloc-family"="malloc" "no-trapping-math"="true" }
attributes #6 = { mustprogress nofree norecurse nounwind willreturn memory(readwrite, inaccessiblemem: none, target_mem0: none, target_mem1: none) "no-trapping-math"="true" }
attributes #7 = { nounwind }
attributes #8 = { mustprogress nocallback nofree nounwind willreturn memory(argmem: readwrite) }
attributes #9 = { nofree "no-trapping-math"="true" }
attributes #10 = { nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none) }
attributes #11 = { nocallback nofree nosync nounwind willreturn memory(inaccessiblemem: write) }
attributes #12 = { nocallback nofree nosync nounwind willreturn memory(argmem: read) }
attributes #13 = { allocsize(0,1) }
attributes #14 = { nounwind memory(none) }

!llvm.module.flags = !{!0, !1, !2}

!0 = !{i32 7, !"Dwarf Version", i32 4}
!1 = !{i32 1, !"wchar_size", i32 4}
!2 = !{i32 8, !"PIC Level", i32 2}
!4 = distinct !{!4, !5}
!5 = !{!"llvm.loop.mustprogress"}
!6 = distinct !{!6, !5}
!7 = distinct !{!7, !5}
!8 = !{i8 0, i8 2}
!9 = !{}
!10 = distinct !{!10, !5}
!11 = distinct !{!11, !5}
!12 = distinct !{!12, !13}
!13 = !{!"llvm.loop.unroll.disable"}
!14 = distinct !{!14, !5}
!15 = distinct !{!15, !5}
!16 = distinct !{!16, !5}
!17 = !{i64 2147759985, i64 2147760067, i64 2147760148}
!18 = !{i64 2147760755, i64 2147760837, i64 2147760918}
!19 = !{i64 2147760368, i64 2147760450, i64 2147760531}
!20 = !{i64 211989}
!21 = distinct !{!21, !5, !22, !23}
!22 = !{!"llvm.loop.isvectorized", i32 1}
!23 = !{!"llvm.loop.unroll.runtime.disable"}
!24 = distinct !{!24, !5}
!25 = distinct !{!25, !5}
!26 = distinct !{!26, !5}
!27 = distinct !{!27, !5}
!28 = distinct !{!28, !5}
!29 = distinct !{!29, !5}
!30 = distinct !{!30, !5}
!31 = distinct !{!31, !5}
!32 = distinct !{!32, !5}
!33 = distinct !{!33, !5}
