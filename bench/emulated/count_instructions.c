/* A plugin of QEMU: counts the instructions that an AArch64 program executes between marks.
 *
 * A mark is getpriority(0x5151, number), which the program calls and the kernel refuses. The plugin
 * writes a line a mark to the file of its argument counts=NAME: the number, and what was executed
 * since the last mark: all instructions, then those of the kinds below.
 * Debian ships no qemu-plugin.h: what is used of version 1 of the interface is declared here.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*translated)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*system_call)(qemu_plugin_id_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t,
                            uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, translated);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int, void *, uint64_t);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t, system_call);

enum { ADD_U64 = 0, GETPRIORITY = 141, MARK = 0x5151 };
enum { ALL, FMLA_F32, FMLA_F16, FMLAL, MEMORY, KINDS };

int qemu_plugin_version = 1;
static uint64_t counted[KINDS], seen[KINDS];
static FILE *file;

/* The encodings are those of the Arm Architecture Reference Manual, C4.1: vectors of three
 * registers, and by element, without the bits of size and register. */
static int is_fmla_f32(uint32_t code) {
  return (code & 0xBFE0FC00u) == 0x0E20CC00u || (code & 0xBFC0F400u) == 0x0F801000u;
}

static int is_fmla_f16(uint32_t code) {
  return (code & 0xBFE0FC00u) == 0x0E400C00u || (code & 0xBFC0F400u) == 0x0F001000u;
}

static int is_fmlal(uint32_t code) {
  int vector = (code & 0xBFE0FC00u) == 0x0E20EC00u || (code & 0xBFE0FC00u) == 0x2E20CC00u;
  return vector || (code & 0xBFC0F400u) == 0x0F800000u || (code & 0xBFC0F400u) == 0x2F808000u;
}

static int is_memory(uint32_t code) { return ((code >> 25) & 5) == 4; }

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
  (void)id;
  uint64_t own[KINDS] = {0};
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); ++i) {
    uint32_t code;
    memcpy(&code, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(block, i)), sizeof code);
    ++own[ALL];
    own[FMLA_F32] += (uint64_t)is_fmla_f32(code);
    own[FMLA_F16] += (uint64_t)is_fmla_f16(code);
    own[FMLAL] += (uint64_t)is_fmlal(code);
    own[MEMORY] += (uint64_t)is_memory(code);
  }
  for (int kind = 0; kind < KINDS; ++kind)
    if (own[kind])
      qemu_plugin_register_vcpu_tb_exec_inline(block, ADD_U64, &counted[kind], own[kind]);
}

static void on_system_call(qemu_plugin_id_t id, unsigned processor, int64_t number, uint64_t which,
                           uint64_t mark, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5,
                           uint64_t a6, uint64_t a7) {
  (void)id, (void)processor, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7;
  if (number != GETPRIORITY || which != MARK)
    return;
  fprintf(file, "%llu", (unsigned long long)mark);
  for (int kind = 0; kind < KINDS; ++kind) {
    fprintf(file, " %llu", (unsigned long long)(counted[kind] - seen[kind]));
    seen[kind] = counted[kind];
  }
  fprintf(file, "\n");
  fflush(file);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int count, char **arguments) {
  (void)info;
  if (count != 1 || strncmp(arguments[0], "counts=", 7) != 0) {
    fprintf(stderr, "count_instructions: needs counts=NAME\n");
    return 1;
  }
  file = fopen(arguments[0] + 7, "w");
  if (!file) {
    perror(arguments[0] + 7);
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
  qemu_plugin_register_vcpu_syscall_cb(id, on_system_call);
  return 0;
}
