// An input that cannot be read is one line on standard error.

// RUN: rm -rf %t && mkdir %t && mkdir %t/folder && echo start > %t.err

// There is no such file; a folder; bytes that are nothing; bytecode that is damaged.
// RUN: %python -c "import sys, pathlib; pathlib.Path(r'%t/random.mlir').write_bytes(bytes(range(128, 256))); pathlib.Path(r'%t/damaged.mlirbc').write_bytes(b'ML\xefR' + bytes(range(100)))"
// RUN: not pattern-opt %t/missing.mlir >> %t.err 2>&1
// RUN: not pattern-opt %t/folder >> %t.err 2>&1
// RUN: not pattern-opt %t/random.mlir >> %t.err 2>&1
// RUN: not pattern-opt - < %t/random.mlir >> %t.err 2>&1
// RUN: not pattern-opt %t/damaged.mlirbc >> %t.err 2>&1
// CHECK: start
// CHECK-NEXT: {{^}}pattern-opt: error: {{.*}}missing.mlir: No such file or directory
// CHECK-NEXT: {{^}}pattern-opt: error: {{.*}}folder: Is a directory
// CHECK-NEXT: {{^}}pattern-opt: error: '{{.*}}random.mlir' is no MLIR text or bytecode; a model needs the suffix .pt2
// CHECK-NEXT: {{^}}pattern-opt: error: '-' is no MLIR text or bytecode; a model needs the suffix .pt2
// CHECK-NEXT: {{^.*}}damaged.mlirbc: error: {{.+$}}

// A model that is none: no file, no archive, an archive of something else.
// RUN: echo text > %t/text.pt2
// RUN: %python -c "import zipfile; zipfile.ZipFile(r'%t/zip.pt2', 'w').writestr('a', 'b')"
// RUN: not pattern-opt %t/missing.pt2 >> %t.err 2>&1
// RUN: not pattern-opt %t/text.pt2 >> %t.err 2>&1
// RUN: not pattern-opt %t/zip.pt2 >> %t.err 2>&1
// CHECK-NEXT: {{^}}pattern-opt: error: there is no file '{{.*}}missing.pt2'
// CHECK-NEXT: {{^}}pattern-opt: error: '{{.*}}text.pt2' is no .pt2 file or is damaged; write one with torch.export.save(torch.export.export(model.eval(), inputs), path)
// CHECK-NEXT: {{^}}pattern-opt: error: '{{.*}}zip.pt2' cannot be loaded as an exported program ({{.*}}); write one with torch.export.save

// Parameters that are missing, damaged, elsewhere, or no file name.
// RUN: cp %s %t/model.mlir
// RUN: not pattern-opt %t/model.mlir >> %t.err 2>&1
// RUN: echo text > %t/model.safetensors
// RUN: not pattern-opt %t/model.mlir >> %t.err 2>&1
// RUN: %python %S/inputs/write_parameters.py %t/long.safetensors 'w=float32[64]'
// RUN: head -c 200 %t/long.safetensors > %t/model.safetensors
// RUN: not pattern-opt %t/model.mlir >> %t.err 2>&1
// RUN: sed 's|"model.safetensors"|"../model.safetensors"|' %t/model.mlir > %t/elsewhere.mlir
// RUN: not pattern-opt %t/elsewhere.mlir >> %t.err 2>&1
// RUN: sed 's|"model.safetensors"|3|' %t/model.mlir > %t/number.mlir
// RUN: not pattern-opt %t/number.mlir >> %t.err 2>&1
// CHECK-NEXT: {{^}}pattern-opt: error: cannot read parameters from '{{.*}}model.safetensors': No such file or directory{{.*}}; it must be the .safetensors file saved with the module
// CHECK-NEXT: {{^}}pattern-opt: error: cannot read parameters from '{{.*}}model.safetensors': {{.*}}; it must be the .safetensors file saved with the module
// CHECK-NEXT: {{^}}pattern-opt: error: cannot read parameters from '{{.*}}model.safetensors': {{.*}}; it must be the .safetensors file saved with the module
// CHECK-NEXT: {{^}}pattern-opt: error: module attribute pattern.parameters names '../model.safetensors'; it must be a plain file name in the module's own folder
// CHECK-NEXT: {{^}}pattern-opt: error: module attribute pattern.parameters names '3 : i64'; it must be a plain file name in the module's own folder

// RUN: filecheck %s < %t.err
// CHECK-NOT: {{.}}
module attributes {pattern.parameters = "model.safetensors"} {
}
