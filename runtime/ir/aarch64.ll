; The C runtime, SHA-256 of its sources 01d6faa41b35e0c56c1d9a141d02a63cb7e770dc8e38bd2d973a2aea21aa61fb

%struct.worker = type { ptr, i32, ptr, i64, [64 x i8] }
%struct.timespec = type { i64, i64 }
%struct.pattern_layer = type { ptr, i64, ptr, i64, i64 }
%struct.pattern_feature = type { ptr, i32, i32, i32, i32, i32 }

@.str = private constant [9 x i8] c"no error\00", align 1
@.str.1 = private constant [36 x i8] c"an argument is null or out of range\00", align 1
@.str.2 = private constant [14 x i8] c"out of memory\00", align 1
@.str.3 = private constant [60 x i8] c"the system refused to start a thread; ask for fewer threads\00", align 1
@.str.4 = private constant [75 x i8] c"another thread runs this instance; give each thread an instance of its own\00", align 1
@.str.5 = private constant [66 x i8] c"the instance belongs to the parent process; create one after fork\00", align 1
@.str.6 = private constant [61 x i8] c"the processor lacks a feature that the code was compiled for\00", align 1
@.str.7 = private constant [54 x i8] c"the weights are missing, damaged, or of another model\00", align 1
@.str.8 = private constant [75 x i8] c"library, header and runtime are of different versions; build them together\00", align 1
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
  %11 = tail call ptr @calloc(i64 noundef 1, i64 noundef %10) #12
  %12 = icmp eq ptr %11, null
  br i1 %12, label %40, label %13

13:                                               ; preds = %7
  store i32 %0, ptr %11, align 8
  %14 = tail call i32 @getpid() #13
  %15 = getelementptr inbounds nuw i8, ptr %11, i64 4
  store i32 %14, ptr %15, align 4
  %16 = getelementptr inbounds nuw i8, ptr %11, i64 8
  store atomic i8 0, ptr %16 seq_cst, align 8
  %17 = getelementptr inbounds nuw i8, ptr %11, i64 56
  %18 = tail call i32 @pthread_mutex_init(ptr noundef nonnull %17, ptr noundef null) #13
  %19 = getelementptr inbounds nuw i8, ptr %11, i64 120
  %20 = tail call i32 @pthread_cond_init(ptr noundef nonnull %19, ptr noundef null) #13
  %21 = getelementptr inbounds nuw i8, ptr %11, i64 184
  %22 = tail call i32 @pthread_cond_init(ptr noundef nonnull %21, ptr noundef null) #13
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
  %33 = tail call i32 @pthread_create(ptr noundef nonnull %32, ptr noundef null, ptr noundef nonnull @work, ptr noundef nonnull %29) #13
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
  call void @llvm.lifetime.start.p0(ptr nonnull %3) #13
  %16 = call i32 @clock_gettime(i32 noundef 1, ptr noundef nonnull %3) #13
  %17 = load i64, ptr %3, align 8
  %18 = mul nsw i64 %17, 1000000000
  %19 = load i64, ptr %6, align 8
  call void @llvm.lifetime.end.p0(ptr nonnull %3) #13
  %20 = add i64 %19, 200000
  %21 = add i64 %20, %18
  br label %22

22:                                               ; preds = %29, %14
  %23 = phi i32 [ 0, %14 ], [ %30, %29 ]
  %24 = load atomic i64, ptr %5 acquire, align 8
  %25 = icmp eq i64 %24, %15
  br i1 %25, label %26, label %49

26:                                               ; preds = %22
  call void @llvm.aarch64.hint(i32 1)
  %27 = add nuw nsw i32 %23, 1
  %28 = icmp eq i32 %27, 64
  br i1 %28, label %31, label %29

29:                                               ; preds = %26, %31
  %30 = phi i32 [ %27, %26 ], [ 0, %31 ]
  br label %22, !llvm.loop !6

31:                                               ; preds = %26
  %32 = call i32 @sched_yield() #13
  call void @llvm.lifetime.start.p0(ptr nonnull %2) #13
  %33 = call i32 @clock_gettime(i32 noundef 1, ptr noundef nonnull %2) #13
  %34 = load i64, ptr %2, align 8
  %35 = mul nsw i64 %34, 1000000000
  %36 = load i64, ptr %7, align 8
  %37 = add nsw i64 %35, %36
  call void @llvm.lifetime.end.p0(ptr nonnull %2) #13
  %38 = icmp slt i64 %37, %21
  br i1 %38, label %29, label %39

39:                                               ; preds = %31
  %40 = call i32 @pthread_mutex_lock(ptr noundef nonnull %8) #13
  %41 = load atomic i64, ptr %5 acquire, align 8
  %42 = icmp eq i64 %41, %15
  br i1 %42, label %43, label %47

43:                                               ; preds = %39, %43
  %44 = call i32 @pthread_cond_wait(ptr noundef nonnull %9, ptr noundef nonnull %8) #13
  %45 = load atomic i64, ptr %5 acquire, align 8
  %46 = icmp eq i64 %45, %15
  br i1 %46, label %43, label %47, !llvm.loop !7

47:                                               ; preds = %43, %39
  %48 = call i32 @pthread_mutex_unlock(ptr noundef nonnull %8) #13
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
  %58 = call i32 @pthread_mutex_lock(ptr noundef nonnull %8) #13
  %59 = call i32 @pthread_cond_signal(ptr noundef nonnull %13) #13
  %60 = call i32 @pthread_mutex_unlock(ptr noundef nonnull %8) #13
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
  %5 = tail call i32 @pthread_mutex_lock(ptr noundef nonnull %4) #13
  %6 = getelementptr inbounds nuw i8, ptr %0, i64 32
  %7 = atomicrmw add ptr %6, i64 1 release, align 8
  %8 = getelementptr inbounds nuw i8, ptr %0, i64 120
  %9 = tail call i32 @pthread_cond_broadcast(ptr noundef nonnull %8) #13
  %10 = tail call i32 @pthread_mutex_unlock(ptr noundef nonnull %4) #13
  %11 = icmp sgt i32 %1, 1
  br i1 %11, label %12, label %14

12:                                               ; preds = %2
  %13 = zext nneg i32 %1 to i64
  br label %19

14:                                               ; preds = %19, %2
  %15 = getelementptr inbounds nuw i8, ptr %0, i64 184
  %16 = tail call i32 @pthread_cond_destroy(ptr noundef nonnull %15) #13
  %17 = tail call i32 @pthread_cond_destroy(ptr noundef nonnull %8) #13
  %18 = tail call i32 @pthread_mutex_destroy(ptr noundef nonnull %4) #13
  tail call void @free(ptr noundef nonnull %0)
  ret void

19:                                               ; preds = %12, %19
  %20 = phi i64 [ 1, %12 ], [ %25, %19 ]
  %21 = getelementptr inbounds nuw %struct.worker, ptr %0, i64 %20
  %22 = getelementptr inbounds nuw i8, ptr %21, i64 264
  %23 = load ptr, ptr %22, align 8
  %24 = tail call i32 @pthread_join(ptr noundef %23, ptr noundef null) #13
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
  %16 = tail call i32 @getpid() #13
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
  call void @llvm.lifetime.start.p0(ptr nonnull %7) #13
  %32 = call i32 @clock_gettime(i32 noundef 1, ptr noundef nonnull %7) #13
  %33 = load i64, ptr %7, align 8
  %34 = load i64, ptr %26, align 8
  call void @llvm.lifetime.end.p0(ptr nonnull %7) #13
  %35 = getelementptr inbounds nuw %struct.pattern_layer, ptr %1, i64 %30
  call fastcc void @run_layer(ptr noundef %0, ptr noundef %35)
  call void @llvm.lifetime.start.p0(ptr nonnull %6) #13
  %36 = call i32 @clock_gettime(i32 noundef 1, ptr noundef nonnull %6) #13
  %37 = load i64, ptr %6, align 8
  %38 = load i64, ptr %27, align 8
  call void @llvm.lifetime.end.p0(ptr nonnull %6) #13
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
  br i1 %18, label %19, label %81

19:                                               ; preds = %13, %17
  %20 = load ptr, ptr %1, align 8
  %21 = getelementptr inbounds nuw i8, ptr %0, i64 24
  %22 = load ptr, ptr %21, align 8
  tail call void %20(ptr noundef %22, i64 noundef 0, i64 noundef %8) #13
  br label %81

23:                                               ; preds = %10
  %24 = icmp sgt i32 %11, 0
  br i1 %24, label %25, label %27

25:                                               ; preds = %13, %23
  %26 = zext nneg i32 %11 to i64
  br label %75

27:                                               ; preds = %75, %23
  %28 = getelementptr inbounds nuw i8, ptr %0, i64 40
  %29 = add nsw i32 %11, -1
  %30 = sext i32 %29 to i64
  store atomic i64 %30, ptr %28 monotonic, align 8
  %31 = getelementptr inbounds nuw i8, ptr %0, i64 56
  %32 = tail call i32 @pthread_mutex_lock(ptr noundef nonnull %31) #13
  %33 = getelementptr inbounds nuw i8, ptr %0, i64 32
  %34 = atomicrmw add ptr %33, i64 1 release, align 8
  %35 = getelementptr inbounds nuw i8, ptr %0, i64 120
  %36 = tail call i32 @pthread_cond_broadcast(ptr noundef nonnull %35) #13
  %37 = tail call i32 @pthread_mutex_unlock(ptr noundef nonnull %31) #13
  tail call fastcc void @compute_part(ptr noundef nonnull %0, i32 noundef 0)
  call void @llvm.lifetime.start.p0(ptr nonnull %4) #13
  %38 = call i32 @clock_gettime(i32 noundef 1, ptr noundef nonnull %4) #13
  %39 = load i64, ptr %4, align 8
  %40 = mul nsw i64 %39, 1000000000
  %41 = getelementptr inbounds nuw i8, ptr %4, i64 8
  %42 = load i64, ptr %41, align 8
  call void @llvm.lifetime.end.p0(ptr nonnull %4) #13
  %43 = add i64 %42, 200000
  %44 = add i64 %43, %40
  %45 = getelementptr inbounds nuw i8, ptr %3, i64 8
  br label %46

46:                                               ; preds = %53, %27
  %47 = phi i32 [ 0, %27 ], [ %54, %53 ]
  %48 = load atomic i64, ptr %28 acquire, align 8
  %49 = icmp eq i64 %48, 0
  br i1 %49, label %81, label %50

50:                                               ; preds = %46
  call void @llvm.aarch64.hint(i32 1)
  %51 = add nuw nsw i32 %47, 1
  %52 = icmp eq i32 %51, 64
  br i1 %52, label %55, label %53

53:                                               ; preds = %50, %55
  %54 = phi i32 [ %51, %50 ], [ 0, %55 ]
  br label %46, !llvm.loop !6

55:                                               ; preds = %50
  %56 = call i32 @sched_yield() #13
  call void @llvm.lifetime.start.p0(ptr nonnull %3) #13
  %57 = call i32 @clock_gettime(i32 noundef 1, ptr noundef nonnull %3) #13
  %58 = load i64, ptr %3, align 8
  %59 = mul nsw i64 %58, 1000000000
  %60 = load i64, ptr %45, align 8
  %61 = add nsw i64 %59, %60
  call void @llvm.lifetime.end.p0(ptr nonnull %3) #13
  %62 = icmp slt i64 %61, %44
  br i1 %62, label %53, label %63

63:                                               ; preds = %55
  %64 = call i32 @pthread_mutex_lock(ptr noundef nonnull %31) #13
  %65 = load atomic i64, ptr %28 acquire, align 8
  %66 = icmp eq i64 %65, 0
  br i1 %66, label %73, label %67

67:                                               ; preds = %63
  %68 = getelementptr inbounds nuw i8, ptr %0, i64 184
  br label %69

69:                                               ; preds = %69, %67
  %70 = call i32 @pthread_cond_wait(ptr noundef nonnull %68, ptr noundef nonnull %31) #13
  %71 = load atomic i64, ptr %28 acquire, align 8
  %72 = icmp eq i64 %71, 0
  br i1 %72, label %73, label %69, !llvm.loop !12

73:                                               ; preds = %69, %63
  %74 = call i32 @pthread_mutex_unlock(ptr noundef nonnull %31) #13
  br label %81

75:                                               ; preds = %25, %75
  %76 = phi i64 [ 0, %25 ], [ %79, %75 ]
  %77 = getelementptr inbounds nuw %struct.worker, ptr %0, i64 %76
  %78 = getelementptr inbounds nuw i8, ptr %77, i64 272
  store atomic i64 0, ptr %78 monotonic, align 8
  %79 = add nuw nsw i64 %76, 1
  %80 = icmp samesign ult i64 %79, %26
  br i1 %80, label %75, label %27, !llvm.loop !13

81:                                               ; preds = %46, %73, %17, %19
  ret void
}

; Function Attrs: nounwind
define hidden range(i32 0, 5) i32 @pattern_instance_destroy(ptr noundef %0) local_unnamed_addr #1 {
  %2 = icmp eq ptr %0, null
  br i1 %2, label %15, label %3

3:                                                ; preds = %1
  %4 = getelementptr inbounds nuw i8, ptr %0, i64 4
  %5 = load i32, ptr %4, align 4
  %6 = tail call i32 @getpid() #13
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
  %4 = alloca [4 x [256 x i32]], align 4
  %5 = alloca ptr, align 8
  %6 = icmp eq ptr %2, null
  br i1 %6, label %7, label %8

7:                                                ; preds = %3
  store atomic i64 ptrtoint (ptr @.str.10 to i64), ptr @creation_error monotonic, align 8
  br label %351

8:                                                ; preds = %3
  store ptr null, ptr %2, align 8
  %9 = icmp ne ptr %0, null
  %10 = icmp ne ptr %1, null
  %11 = and i1 %9, %10
  br i1 %11, label %12, label %87

12:                                               ; preds = %8
  %13 = load i32, ptr %0, align 8
  %14 = icmp eq i32 %13, 3
  br i1 %14, label %15, label %87

15:                                               ; preds = %12
  %16 = load i32, ptr %1, align 8
  %17 = getelementptr inbounds nuw i8, ptr %0, i64 4
  %18 = load i32, ptr %17, align 4
  %19 = icmp eq i32 %16, %18
  br i1 %19, label %20, label %87

20:                                               ; preds = %15
  %21 = getelementptr inbounds nuw i8, ptr %0, i64 48
  %22 = load i64, ptr %21, align 8
  %23 = icmp sgt i64 %22, 0
  br i1 %23, label %24, label %49

24:                                               ; preds = %20
  %25 = getelementptr inbounds nuw i8, ptr %0, i64 96
  br label %26

26:                                               ; preds = %40, %24
  %27 = phi i64 [ 0, %24 ], [ %41, %40 ]
  %28 = load ptr, ptr %25, align 8
  %29 = getelementptr inbounds nuw %struct.pattern_feature, ptr %28, i64 %27
  %30 = getelementptr inbounds nuw i8, ptr %29, i64 8
  %31 = load i32, ptr %30, align 8
  %32 = zext i32 %31 to i64
  %33 = tail call i64 @getauxval(i64 noundef %32) #13
  %34 = getelementptr inbounds nuw i8, ptr %29, i64 20
  %35 = load i32, ptr %34, align 4
  %36 = zext nneg i32 %35 to i64
  %37 = shl nuw i64 1, %36
  %38 = and i64 %37, %33
  %39 = icmp eq i64 %38, 0
  br i1 %39, label %44, label %40

40:                                               ; preds = %26
  %41 = add nuw nsw i64 %27, 1
  %42 = load i64, ptr %21, align 8
  %43 = icmp slt i64 %41, %42
  br i1 %43, label %26, label %49, !llvm.loop !14

44:                                               ; preds = %26
  %45 = load ptr, ptr %25, align 8
  %46 = getelementptr inbounds nuw %struct.pattern_feature, ptr %45, i64 %27
  %47 = load ptr, ptr %46, align 8
  %48 = ptrtoint ptr %47 to i64
  br label %87

49:                                               ; preds = %40, %20
  %50 = getelementptr inbounds nuw i8, ptr %1, i64 4
  %51 = load i32, ptr %50, align 4
  %52 = icmp ugt i32 %51, 256
  br i1 %52, label %87, label %53

53:                                               ; preds = %49
  %54 = getelementptr inbounds nuw i8, ptr %1, i64 8
  %55 = load i64, ptr %54, align 8
  %56 = icmp slt i64 %55, 0
  br i1 %56, label %87, label %57

57:                                               ; preds = %53
  %58 = getelementptr inbounds nuw i8, ptr %1, i64 16
  %59 = load ptr, ptr %58, align 8
  %60 = icmp eq ptr %59, null
  br i1 %60, label %67, label %61

61:                                               ; preds = %57
  %62 = getelementptr inbounds nuw i8, ptr %1, i64 24
  %63 = load i64, ptr %62, align 8
  %64 = getelementptr inbounds nuw i8, ptr %0, i64 56
  %65 = load i64, ptr %64, align 8
  %66 = icmp slt i64 %63, %65
  br i1 %66, label %87, label %67

67:                                               ; preds = %61, %57
  %68 = ptrtoint ptr %59 to i64
  %69 = and i64 %68, 63
  %70 = icmp eq i64 %69, 0
  br i1 %70, label %71, label %87

71:                                               ; preds = %67
  %72 = getelementptr inbounds nuw i8, ptr %1, i64 32
  %73 = load ptr, ptr %72, align 8
  %74 = ptrtoint ptr %73 to i64
  %75 = and i64 %74, 63
  %76 = icmp eq i64 %75, 0
  br i1 %76, label %77, label %87

77:                                               ; preds = %71
  %78 = getelementptr inbounds nuw i8, ptr %0, i64 104
  %79 = load ptr, ptr %78, align 8
  %80 = icmp eq ptr %79, null
  br i1 %80, label %90, label %81

81:                                               ; preds = %77
  %82 = icmp eq ptr %73, null
  br i1 %82, label %83, label %87

83:                                               ; preds = %81
  %84 = getelementptr inbounds nuw i8, ptr %1, i64 48
  %85 = load ptr, ptr %84, align 8
  %86 = icmp eq ptr %85, null
  br i1 %86, label %90, label %87

87:                                               ; preds = %8, %12, %15, %44, %49, %53, %61, %67, %71, %81, %83
  %88 = phi i64 [ %48, %44 ], [ ptrtoint (ptr @.str.13 to i64), %67 ], [ ptrtoint (ptr @.str.12 to i64), %61 ], [ ptrtoint (ptr @.str.11 to i64), %49 ], [ ptrtoint (ptr @.str.8 to i64), %12 ], [ ptrtoint (ptr @.str.10 to i64), %8 ], [ ptrtoint (ptr @.str.8 to i64), %15 ], [ ptrtoint (ptr @.str.11 to i64), %53 ], [ ptrtoint (ptr @.str.13 to i64), %71 ], [ ptrtoint (ptr @.str.14 to i64), %83 ], [ ptrtoint (ptr @.str.14 to i64), %81 ]
  %89 = phi i32 [ 6, %44 ], [ 1, %67 ], [ 1, %61 ], [ 1, %49 ], [ 8, %12 ], [ 1, %8 ], [ 8, %15 ], [ 1, %53 ], [ 1, %71 ], [ 7, %83 ], [ 7, %81 ]
  store atomic i64 %88, ptr @creation_error monotonic, align 8
  br label %351

90:                                               ; preds = %77, %83
  %91 = tail call dereferenceable_or_null(64) ptr @calloc(i64 noundef 1, i64 noundef 64) #12
  %92 = icmp eq ptr %91, null
  br i1 %92, label %93, label %94

93:                                               ; preds = %90
  store atomic i64 ptrtoint (ptr @.str.2 to i64), ptr @creation_error monotonic, align 8
  br label %351

94:                                               ; preds = %90
  store ptr %0, ptr %91, align 8
  %95 = getelementptr inbounds nuw i8, ptr %91, i64 32
  store atomic i8 0, ptr %95 seq_cst, align 8
  %96 = getelementptr inbounds nuw i8, ptr %91, i64 40
  store ptr @.str, ptr %96, align 8
  %97 = getelementptr inbounds nuw i8, ptr %0, i64 32
  %98 = load i64, ptr %97, align 8
  %99 = add nsw i64 %98, 2
  %100 = getelementptr inbounds nuw i8, ptr %0, i64 40
  %101 = load i64, ptr %100, align 8
  %102 = add nsw i64 %99, %101
  %103 = getelementptr inbounds nuw i8, ptr %0, i64 24
  %104 = load i64, ptr %103, align 8
  %105 = add i64 %104, 1
  %106 = tail call ptr @calloc(i64 noundef %105, i64 noundef 40) #12
  %107 = getelementptr inbounds nuw i8, ptr %91, i64 48
  store ptr %106, ptr %107, align 8
  %108 = tail call ptr @calloc(i64 noundef %102, i64 noundef 8) #12
  %109 = getelementptr inbounds nuw i8, ptr %91, i64 56
  store ptr %108, ptr %109, align 8
  br i1 %60, label %110, label %126

110:                                              ; preds = %94
  %111 = getelementptr inbounds nuw i8, ptr %0, i64 56
  %112 = load i64, ptr %111, align 8
  %113 = icmp ugt i64 %112, 524287
  call void @llvm.lifetime.start.p0(ptr nonnull %5) #13
  store ptr null, ptr %5, align 8
  %114 = select i1 %113, i64 2097152, i64 64
  %115 = tail call i64 @llvm.umax.i64(i64 %112, i64 1)
  %116 = call i32 @posix_memalign(ptr noundef nonnull %5, i64 noundef %114, i64 noundef %115) #13
  %117 = icmp eq i32 %116, 0
  br i1 %117, label %118, label %124

118:                                              ; preds = %110
  br i1 %113, label %119, label %122

119:                                              ; preds = %118
  %120 = load ptr, ptr %5, align 8
  %121 = call i32 @madvise(ptr noundef %120, i64 noundef %112, i32 noundef 14) #13
  br label %122

122:                                              ; preds = %119, %118
  %123 = load ptr, ptr %5, align 8
  br label %124

124:                                              ; preds = %122, %110
  %125 = phi ptr [ %123, %122 ], [ null, %110 ]
  call void @llvm.lifetime.end.p0(ptr nonnull %5) #13
  br label %126

126:                                              ; preds = %124, %94
  %127 = phi ptr [ %125, %124 ], [ null, %94 ]
  %128 = getelementptr inbounds nuw i8, ptr %91, i64 16
  store ptr %127, ptr %128, align 8
  %129 = icmp eq ptr %106, null
  %130 = icmp eq ptr %108, null
  %131 = or i1 %129, %130
  br i1 %131, label %346, label %132

132:                                              ; preds = %126
  %133 = load ptr, ptr %58, align 8
  %134 = icmp eq ptr %133, null
  %135 = icmp eq ptr %127, null
  %136 = select i1 %134, i1 %135, i1 false
  br i1 %136, label %346, label %137

137:                                              ; preds = %132
  %138 = load i64, ptr %103, align 8
  %139 = icmp sgt i64 %138, 0
  br i1 %139, label %140, label %144

140:                                              ; preds = %137
  %141 = getelementptr inbounds nuw i8, ptr %0, i64 72
  %142 = load ptr, ptr %141, align 8
  %143 = load i64, ptr %54, align 8
  br label %318

144:                                              ; preds = %318, %137
  %145 = load ptr, ptr %78, align 8
  %146 = icmp eq ptr %145, null
  br i1 %146, label %147, label %325

147:                                              ; preds = %144
  %148 = load ptr, ptr %72, align 8
  %149 = icmp eq ptr %148, null
  br i1 %149, label %150, label %176

150:                                              ; preds = %147
  %151 = getelementptr inbounds nuw i8, ptr %1, i64 48
  %152 = load ptr, ptr %151, align 8
  %153 = icmp eq ptr %152, null
  br i1 %153, label %346, label %154

154:                                              ; preds = %150
  %155 = getelementptr inbounds nuw i8, ptr %0, i64 64
  %156 = load i64, ptr %155, align 8
  %157 = call i32 (ptr, i32, ...) @open(ptr noundef nonnull readonly %152, i32 noundef 524288) #13
  %158 = icmp slt i32 %157, 0
  br i1 %158, label %346, label %159

159:                                              ; preds = %154
  %160 = call i64 @lseek(i32 noundef %157, i64 noundef 0, i32 noundef 2) #13
  %161 = icmp eq i64 %160, %156
  %162 = icmp sgt i64 %160, 0
  %163 = and i1 %161, %162
  br i1 %163, label %164, label %166

164:                                              ; preds = %159
  %165 = call ptr @mmap(ptr noundef null, i64 noundef %156, i32 noundef 1, i32 noundef 2, i32 noundef %157, i64 noundef 0) #13
  br label %166

166:                                              ; preds = %164, %159
  %167 = phi ptr [ %165, %164 ], [ inttoptr (i64 -1 to ptr), %159 ]
  %168 = call i32 @close(i32 noundef %157) #13
  br i1 %161, label %169, label %346

169:                                              ; preds = %166
  %170 = icmp eq ptr %167, inttoptr (i64 -1 to ptr)
  %171 = select i1 %162, i1 %170, i1 false
  br i1 %171, label %346, label %172

172:                                              ; preds = %169
  %173 = select i1 %162, ptr %167, ptr null
  %174 = getelementptr inbounds nuw i8, ptr %91, i64 24
  store ptr %173, ptr %174, align 8
  %175 = load i64, ptr %155, align 8
  br label %182

176:                                              ; preds = %147
  %177 = getelementptr inbounds nuw i8, ptr %1, i64 40
  %178 = load i64, ptr %177, align 8
  %179 = getelementptr inbounds nuw i8, ptr %0, i64 64
  %180 = load i64, ptr %179, align 8
  %181 = icmp eq i64 %178, %180
  br i1 %181, label %182, label %346

182:                                              ; preds = %176, %172
  %183 = phi ptr [ %173, %172 ], [ %148, %176 ]
  %184 = phi i64 [ %175, %172 ], [ %178, %176 ]
  call void @llvm.lifetime.start.p0(ptr nonnull %4) #13
  br label %185

185:                                              ; preds = %185, %182
  %186 = phi i64 [ 0, %182 ], [ %224, %185 ]
  %187 = phi <4 x i32> [ <i32 0, i32 1, i32 2, i32 3>, %182 ], [ %225, %185 ]
  %188 = lshr <4 x i32> %187, splat (i32 1)
  %189 = and <4 x i32> %187, splat (i32 1)
  %190 = icmp eq <4 x i32> %189, zeroinitializer
  %191 = select <4 x i1> %190, <4 x i32> zeroinitializer, <4 x i32> splat (i32 -306674912)
  %192 = xor <4 x i32> %191, %188
  %193 = lshr <4 x i32> %192, splat (i32 1)
  %194 = and <4 x i32> %187, splat (i32 2)
  %195 = icmp eq <4 x i32> %194, zeroinitializer
  %196 = select <4 x i1> %195, <4 x i32> zeroinitializer, <4 x i32> splat (i32 -306674912)
  %197 = xor <4 x i32> %193, %196
  %198 = lshr <4 x i32> %197, splat (i32 6)
  %199 = and <4 x i32> %187, splat (i32 4)
  %200 = icmp eq <4 x i32> %199, zeroinitializer
  %201 = select <4 x i1> %200, <4 x i32> zeroinitializer, <4 x i32> splat (i32 124634137)
  %202 = and <4 x i32> %187, splat (i32 8)
  %203 = icmp eq <4 x i32> %202, zeroinitializer
  %204 = select <4 x i1> %203, <4 x i32> zeroinitializer, <4 x i32> splat (i32 249268274)
  %205 = and <4 x i32> %187, splat (i32 16)
  %206 = icmp eq <4 x i32> %205, zeroinitializer
  %207 = select <4 x i1> %206, <4 x i32> zeroinitializer, <4 x i32> splat (i32 498536548)
  %208 = and <4 x i32> %187, splat (i32 32)
  %209 = icmp eq <4 x i32> %208, zeroinitializer
  %210 = select <4 x i1> %209, <4 x i32> zeroinitializer, <4 x i32> splat (i32 997073096)
  %211 = and <4 x i32> %192, splat (i32 32)
  %212 = icmp eq <4 x i32> %211, zeroinitializer
  %213 = select <4 x i1> %212, <4 x i32> zeroinitializer, <4 x i32> splat (i32 1994146192)
  %214 = and <4 x i32> %197, splat (i32 32)
  %215 = icmp eq <4 x i32> %214, zeroinitializer
  %216 = select <4 x i1> %215, <4 x i32> zeroinitializer, <4 x i32> splat (i32 -306674912)
  %217 = xor <4 x i32> %204, %201
  %218 = xor <4 x i32> %217, %207
  %219 = xor <4 x i32> %218, %210
  %220 = xor <4 x i32> %219, %198
  %221 = xor <4 x i32> %220, %213
  %222 = xor <4 x i32> %221, %216
  %223 = getelementptr inbounds nuw i32, ptr %4, i64 %186
  store <4 x i32> %222, ptr %223, align 4
  %224 = add nuw i64 %186, 4
  %225 = add <4 x i32> %187, splat (i32 4)
  %226 = icmp eq i64 %224, 256
  br i1 %226, label %227, label %185, !llvm.loop !15

227:                                              ; preds = %185
  %228 = getelementptr inbounds nuw i8, ptr %4, i64 1024
  %229 = getelementptr inbounds nuw i8, ptr %4, i64 2048
  %230 = getelementptr inbounds nuw i8, ptr %4, i64 3072
  br label %231

231:                                              ; preds = %231, %227
  %232 = phi i64 [ 0, %227 ], [ %256, %231 ]
  %233 = getelementptr inbounds nuw i32, ptr %4, i64 %232
  %234 = load i32, ptr %233, align 4
  %235 = lshr i32 %234, 8
  %236 = and i32 %234, 255
  %237 = zext nneg i32 %236 to i64
  %238 = getelementptr inbounds nuw i32, ptr %4, i64 %237
  %239 = load i32, ptr %238, align 4
  %240 = xor i32 %235, %239
  %241 = getelementptr inbounds nuw i32, ptr %228, i64 %232
  store i32 %240, ptr %241, align 4
  %242 = lshr i32 %240, 8
  %243 = and i32 %240, 255
  %244 = zext nneg i32 %243 to i64
  %245 = getelementptr inbounds nuw i32, ptr %4, i64 %244
  %246 = load i32, ptr %245, align 4
  %247 = xor i32 %242, %246
  %248 = getelementptr inbounds nuw i32, ptr %229, i64 %232
  store i32 %247, ptr %248, align 4
  %249 = lshr i32 %247, 8
  %250 = and i32 %247, 255
  %251 = zext nneg i32 %250 to i64
  %252 = getelementptr inbounds nuw i32, ptr %4, i64 %251
  %253 = load i32, ptr %252, align 4
  %254 = xor i32 %249, %253
  %255 = getelementptr inbounds nuw i32, ptr %230, i64 %232
  store i32 %254, ptr %255, align 4
  %256 = add nuw nsw i64 %232, 1
  %257 = icmp eq i64 %256, 256
  br i1 %257, label %258, label %231, !llvm.loop !18

258:                                              ; preds = %231
  %259 = icmp sgt i64 %184, 3
  br i1 %259, label %265, label %260

260:                                              ; preds = %265, %258
  %261 = phi ptr [ %183, %258 ], [ %293, %265 ]
  %262 = phi i64 [ %184, %258 ], [ %292, %265 ]
  %263 = phi i32 [ -1, %258 ], [ %291, %265 ]
  %264 = icmp sgt i64 %262, 0
  br i1 %264, label %295, label %310

265:                                              ; preds = %258, %265
  %266 = phi i32 [ %291, %265 ], [ -1, %258 ]
  %267 = phi i64 [ %292, %265 ], [ %184, %258 ]
  %268 = phi ptr [ %293, %265 ], [ %183, %258 ]
  %269 = load i32, ptr %268, align 1
  %270 = xor i32 %269, %266
  %271 = and i32 %270, 255
  %272 = zext nneg i32 %271 to i64
  %273 = getelementptr inbounds nuw i32, ptr %230, i64 %272
  %274 = load i32, ptr %273, align 4
  %275 = lshr i32 %270, 8
  %276 = and i32 %275, 255
  %277 = zext nneg i32 %276 to i64
  %278 = getelementptr inbounds nuw i32, ptr %229, i64 %277
  %279 = load i32, ptr %278, align 4
  %280 = xor i32 %279, %274
  %281 = lshr i32 %270, 16
  %282 = and i32 %281, 255
  %283 = zext nneg i32 %282 to i64
  %284 = getelementptr inbounds nuw i32, ptr %228, i64 %283
  %285 = load i32, ptr %284, align 4
  %286 = xor i32 %280, %285
  %287 = lshr i32 %270, 24
  %288 = zext nneg i32 %287 to i64
  %289 = getelementptr inbounds nuw i32, ptr %4, i64 %288
  %290 = load i32, ptr %289, align 4
  %291 = xor i32 %286, %290
  %292 = add nsw i64 %267, -4
  %293 = getelementptr inbounds nuw i8, ptr %268, i64 4
  %294 = icmp samesign ugt i64 %267, 7
  br i1 %294, label %265, label %260, !llvm.loop !19

295:                                              ; preds = %260, %295
  %296 = phi i32 [ %306, %295 ], [ %263, %260 ]
  %297 = phi i64 [ %307, %295 ], [ %262, %260 ]
  %298 = phi ptr [ %308, %295 ], [ %261, %260 ]
  %299 = lshr i32 %296, 8
  %300 = load i8, ptr %298, align 1
  %301 = trunc i32 %296 to i8
  %302 = xor i8 %300, %301
  %303 = zext i8 %302 to i64
  %304 = getelementptr inbounds nuw i32, ptr %4, i64 %303
  %305 = load i32, ptr %304, align 4
  %306 = xor i32 %305, %299
  %307 = add nsw i64 %297, -1
  %308 = getelementptr inbounds nuw i8, ptr %298, i64 1
  %309 = icmp samesign ugt i64 %297, 1
  br i1 %309, label %295, label %310, !llvm.loop !20

310:                                              ; preds = %295, %260
  %311 = phi i32 [ %263, %260 ], [ %306, %295 ]
  call void @llvm.lifetime.end.p0(ptr nonnull %4) #13
  %312 = getelementptr inbounds nuw i8, ptr %0, i64 112
  %313 = load i32, ptr %312, align 8
  %314 = xor i32 %313, %311
  %315 = icmp eq i32 %314, -1
  br i1 %315, label %316, label %346

316:                                              ; preds = %310
  %317 = load ptr, ptr %58, align 8
  br label %325

318:                                              ; preds = %318, %140
  %319 = phi i64 [ 0, %140 ], [ %323, %318 ]
  %320 = getelementptr inbounds nuw %struct.pattern_layer, ptr %106, i64 %319
  %321 = getelementptr inbounds nuw %struct.pattern_layer, ptr %142, i64 %319
  call void @llvm.memcpy.p0.p0.i64(ptr noundef nonnull align 8 dereferenceable(40) %320, ptr noundef nonnull align 8 dereferenceable(40) %321, i64 32, i1 false)
  %322 = getelementptr inbounds nuw i8, ptr %320, i64 32
  store i64 %143, ptr %322, align 8
  %323 = add nuw nsw i64 %319, 1
  %324 = icmp slt i64 %323, %138
  br i1 %324, label %318, label %144, !llvm.loop !21

325:                                              ; preds = %316, %144
  %326 = phi ptr [ %133, %144 ], [ %317, %316 ]
  %327 = phi ptr [ %145, %144 ], [ %183, %316 ]
  %328 = icmp eq ptr %326, null
  %329 = select i1 %328, ptr %127, ptr %326
  store ptr %329, ptr %108, align 8
  %330 = getelementptr inbounds nuw i8, ptr %108, i64 8
  store ptr %327, ptr %330, align 8
  %331 = load i32, ptr %50, align 4
  %332 = icmp eq i32 %331, 0
  br i1 %332, label %333, label %336

333:                                              ; preds = %325
  %334 = getelementptr inbounds nuw i8, ptr %0, i64 8
  %335 = load i32, ptr %334, align 8
  br label %336

336:                                              ; preds = %333, %325
  %337 = phi i32 [ %335, %333 ], [ %331, %325 ]
  %338 = getelementptr inbounds nuw i8, ptr %91, i64 8
  %339 = call i32 @pattern_instance_create(i32 noundef %337, ptr noundef nonnull %338)
  switch i32 %339, label %342 [
    i32 0, label %350
    i32 3, label %341
    i32 1, label %343
    i32 2, label %340
  ]

340:                                              ; preds = %336
  br label %343

341:                                              ; preds = %336
  br label %343

342:                                              ; preds = %336
  unreachable

343:                                              ; preds = %341, %340, %336
  %344 = phi ptr [ @.str.2, %340 ], [ @.str.3, %341 ], [ @.str.1, %336 ]
  %345 = ptrtoint ptr %344 to i64
  br label %346

346:                                              ; preds = %343, %310, %176, %169, %166, %154, %150, %132, %126
  %347 = phi i64 [ %345, %343 ], [ ptrtoint (ptr @.str.2 to i64), %126 ], [ ptrtoint (ptr @.str.2 to i64), %132 ], [ ptrtoint (ptr @.str.17 to i64), %310 ], [ ptrtoint (ptr @.str.19 to i64), %166 ], [ ptrtoint (ptr @.str.18 to i64), %154 ], [ ptrtoint (ptr @.str.15 to i64), %150 ], [ ptrtoint (ptr @.str.16 to i64), %176 ], [ ptrtoint (ptr @.str.20 to i64), %169 ]
  %348 = phi i32 [ %339, %343 ], [ 2, %126 ], [ 2, %132 ], [ 7, %310 ], [ 7, %166 ], [ 7, %154 ], [ 7, %150 ], [ 7, %176 ], [ 7, %169 ]
  store atomic i64 %347, ptr @creation_error monotonic, align 8
  %349 = call i32 @pattern_model_destroy(ptr noundef nonnull %91)
  br label %351

350:                                              ; preds = %336
  store ptr %91, ptr %2, align 8
  br label %351

351:                                              ; preds = %87, %350, %346, %93, %7
  %352 = phi i32 [ 1, %7 ], [ %89, %87 ], [ %348, %346 ], [ 0, %350 ], [ 2, %93 ]
  ret i32 %352
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
  %16 = tail call i32 @getpid() #13
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
  %33 = tail call i32 @munmap(ptr noundef nonnull %27, i64 noundef %32) #13
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
  br i1 %37, label %38, label %40, !llvm.loop !22

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
  br i1 %47, label %57, label %48, !llvm.loop !23

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
  br i1 %114, label %102, label %94, !llvm.loop !24

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
  br i1 %127, label %115, label %128, !llvm.loop !25

128:                                              ; preds = %115, %94
  %129 = load ptr, ptr %71, align 8
  %130 = load ptr, ptr %72, align 8
  %131 = load i64, ptr %62, align 8
  %132 = load ptr, ptr %70, align 8
  %133 = tail call i32 @pattern_instance_run(ptr noundef %129, ptr noundef %130, i64 noundef %131, ptr noundef %132, ptr noundef %4)
  %134 = add nuw nsw i64 %80, 1
  %135 = icmp eq i32 %133, 0
  br i1 %135, label %79, label %136, !llvm.loop !26

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
  br i1 %10, label %11, label %140

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
  br i1 %20, label %21, label %140

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
  tail call void %27(ptr noundef %28, i64 noundef %25, i64 noundef %30) #13
  %31 = atomicrmw add ptr %17, i64 %16 monotonic, align 8
  %32 = load i64, ptr %14, align 8
  %33 = icmp slt i64 %31, %32
  br i1 %33, label %23, label %140

34:                                               ; preds = %11, %136
  %35 = phi i32 [ %9, %11 ], [ %137, %136 ]
  %36 = phi i32 [ 0, %11 ], [ %138, %136 ]
  %37 = add nsw i32 %36, %1
  %38 = srem i32 %37, %35
  %39 = load ptr, ptr %3, align 8
  %40 = getelementptr inbounds nuw i8, ptr %39, i64 16
  %41 = load ptr, ptr %40, align 8
  %42 = icmp eq ptr %41, null
  br i1 %42, label %90, label %43

43:                                               ; preds = %34
  %44 = sext i32 %38 to i64
  %45 = getelementptr inbounds nuw i8, ptr %39, i64 24
  %46 = load i64, ptr %45, align 8
  %47 = mul nsw i64 %46, %44
  %48 = sext i32 %35 to i64
  %49 = freeze i64 %47
  %50 = freeze i64 %48
  %51 = sdiv i64 %49, %50
  %52 = mul i64 %51, %50
  %53 = sub i64 %49, %52
  %54 = getelementptr inbounds i64, ptr %41, i64 %51
  %55 = load i64, ptr %54, align 8
  %56 = icmp eq i64 %53, 0
  br i1 %56, label %67, label %57

57:                                               ; preds = %43
  %58 = getelementptr i8, ptr %54, i64 8
  %59 = load i64, ptr %58, align 8
  %60 = sub nsw i64 %59, %55
  %61 = mul nsw i64 %60, %53
  %62 = sdiv i32 %35, 2
  %63 = sext i32 %62 to i64
  %64 = add nsw i64 %61, %63
  %65 = sdiv i64 %64, %48
  %66 = add nsw i64 %65, %55
  br label %67

67:                                               ; preds = %57, %43
  %68 = phi i64 [ %55, %43 ], [ %66, %57 ]
  %69 = add nsw i32 %38, 1
  %70 = sext i32 %69 to i64
  %71 = mul nsw i64 %46, %70
  %72 = freeze i64 %71
  %73 = freeze i64 %48
  %74 = sdiv i64 %72, %73
  %75 = mul i64 %74, %73
  %76 = sub i64 %72, %75
  %77 = getelementptr inbounds i64, ptr %41, i64 %74
  %78 = load i64, ptr %77, align 8
  %79 = icmp eq i64 %76, 0
  br i1 %79, label %108, label %80

80:                                               ; preds = %67
  %81 = getelementptr i8, ptr %77, i64 8
  %82 = load i64, ptr %81, align 8
  %83 = sub nsw i64 %82, %78
  %84 = mul nsw i64 %83, %76
  %85 = sdiv i32 %35, 2
  %86 = sext i32 %85 to i64
  %87 = add nsw i64 %84, %86
  %88 = sdiv i64 %87, %48
  %89 = add nsw i64 %88, %78
  br label %108

90:                                               ; preds = %34
  %91 = getelementptr inbounds nuw i8, ptr %39, i64 8
  %92 = load i64, ptr %91, align 8
  %93 = sext i32 %35 to i64
  %94 = freeze i64 %92
  %95 = freeze i64 %93
  %96 = sdiv i64 %94, %95
  %97 = mul i64 %96, %95
  %98 = sub i64 %94, %97
  %99 = sext i32 %38 to i64
  %100 = mul nsw i64 %96, %99
  %101 = tail call i64 @llvm.smin.i64(i64 %98, i64 %99)
  %102 = add nsw i64 %101, %100
  %103 = add nsw i32 %38, 1
  %104 = sext i32 %103 to i64
  %105 = mul nsw i64 %96, %104
  %106 = tail call i64 @llvm.smin.i64(i64 %98, i64 %104)
  %107 = add nsw i64 %106, %105
  br label %108

108:                                              ; preds = %90, %80, %67
  %109 = phi i64 [ %44, %67 ], [ %44, %80 ], [ %99, %90 ]
  %110 = phi i64 [ %68, %67 ], [ %68, %80 ], [ %102, %90 ]
  %111 = phi i64 [ %78, %67 ], [ %89, %80 ], [ %107, %90 ]
  %112 = sub nsw i64 %111, %110
  %113 = getelementptr %struct.worker, ptr %0, i64 %109
  %114 = getelementptr i8, ptr %113, i64 272
  %115 = atomicrmw add ptr %114, i64 1 monotonic, align 8
  %116 = icmp slt i64 %115, 4
  br i1 %116, label %117, label %136

117:                                              ; preds = %108, %131
  %118 = phi i64 [ %132, %131 ], [ %115, %108 ]
  %119 = ashr i64 %112, %118
  %120 = icmp eq i64 %118, 3
  %121 = add nsw i64 %118, 1
  %122 = ashr i64 %112, %121
  %123 = select i1 %120, i64 0, i64 %122
  %124 = icmp slt i64 %123, %119
  br i1 %124, label %125, label %131

125:                                              ; preds = %117
  %126 = load ptr, ptr %3, align 8
  %127 = load ptr, ptr %126, align 8
  %128 = load ptr, ptr %12, align 8
  %129 = sub i64 %111, %119
  %130 = sub i64 %111, %123
  tail call void %127(ptr noundef %128, i64 noundef %129, i64 noundef %130) #13
  br label %131

131:                                              ; preds = %125, %117
  %132 = atomicrmw add ptr %114, i64 1 monotonic, align 8
  %133 = icmp slt i64 %132, 4
  br i1 %133, label %117, label %134

134:                                              ; preds = %131
  %135 = load i32, ptr %0, align 8
  br label %136

136:                                              ; preds = %134, %108
  %137 = phi i32 [ %135, %134 ], [ %35, %108 ]
  %138 = add nuw nsw i32 %36, 1
  %139 = icmp slt i32 %138, %137
  br i1 %139, label %34, label %140, !llvm.loop !27

140:                                              ; preds = %136, %23, %8, %13
  ret void
}

declare i32 @pthread_mutex_lock(ptr noundef) local_unnamed_addr #4

declare i32 @pthread_cond_signal(ptr noundef) local_unnamed_addr #4

declare i32 @pthread_mutex_unlock(ptr noundef) local_unnamed_addr #4

declare i32 @pthread_cond_wait(ptr noundef, ptr noundef) local_unnamed_addr #4

declare i32 @sched_yield() local_unnamed_addr #4

; Function Attrs: mustprogress nocallback nofree nosync nounwind willreturn
declare void @llvm.aarch64.hint(i32) #7

declare i32 @pthread_join(ptr noundef, ptr noundef) local_unnamed_addr #4

declare i32 @pthread_cond_destroy(ptr noundef) local_unnamed_addr #4

declare i32 @pthread_mutex_destroy(ptr noundef) local_unnamed_addr #4

declare i32 @pthread_cond_broadcast(ptr noundef) local_unnamed_addr #4

declare i32 @clock_gettime(i32 noundef, ptr noundef) local_unnamed_addr #4

declare i64 @getauxval(i64 noundef) local_unnamed_addr #4

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

; Function Attrs: nocallback nofree nosync nounwind willreturn memory(argmem: read)
declare ptr @llvm.load.relative.i64(ptr, i64) #11

attributes #0 = { mustprogress nofree norecurse nosync nounwind willreturn memory(none) "no-trapping-math"="true" }
attributes #1 = { nounwind "no-trapping-math"="true" }
attributes #2 = { mustprogress nocallback nofree nosync nounwind willreturn memory(argmem: readwrite) }
attributes #3 = { mustprogress nofree nounwind willreturn allockind("alloc,zeroed") allocsize(0,1) memory(inaccessiblemem: readwrite) "alloc-family"="malloc" "no-trapping-math"="true" }
attributes #4 = { "no-trapping-math"="true" }
attributes #5 = { mustprogress nounwind willreturn allockind("free") memory(argmem: readwrite, inaccessiblemem: readwrite) "alloc-family"="malloc" "no-trapping-math"="true" }
attributes #6 = { mustprogress nofree norecurse nounwind willreturn memory(readwrite, inaccessiblemem: none, target_mem0: none, target_mem1: none) "no-trapping-math"="true" }
attributes #7 = { mustprogress nocallback nofree nosync nounwind willreturn }
attributes #8 = { mustprogress nocallback nofree nounwind willreturn memory(argmem: readwrite) }
attributes #9 = { nofree "no-trapping-math"="true" }
attributes #10 = { nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none) }
attributes #11 = { nocallback nofree nosync nounwind willreturn memory(argmem: read) }
attributes #12 = { allocsize(0,1) }
attributes #13 = { nounwind }

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
!12 = distinct !{!12, !5}
!13 = distinct !{!13, !5}
!14 = distinct !{!14, !5}
!15 = distinct !{!15, !5, !16, !17}
!16 = !{!"llvm.loop.isvectorized", i32 1}
!17 = !{!"llvm.loop.unroll.runtime.disable"}
!18 = distinct !{!18, !5}
!19 = distinct !{!19, !5}
!20 = distinct !{!20, !5}
!21 = distinct !{!21, !5}
!22 = distinct !{!22, !5}
!23 = distinct !{!23, !5}
!24 = distinct !{!24, !5}
!25 = distinct !{!25, !5}
!26 = distinct !{!26, !5}
!27 = distinct !{!27, !5}
