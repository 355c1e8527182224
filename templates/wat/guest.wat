;; A guest in WebAssembly text: it finds SMMU and UART in the device table, and prints SMMU_IDR0.
(module
  (import "env" "memory" (memory 32 32 shared))
  ;; A trapped register access, which exits.
  (import "vsmmu" "mmio_read32" (func $mmio_read32 (param i32) (result i32)))
  (import "vsmmu" "mmio_write32" (func $mmio_write32 (param i32 i32)))
  ;; Version of the guest ABI for which this guest was built.
  (global (export "vsmmu_abi") i32 (i32.const 1))
  ;; Above the ABI's first MiB, terminated by a zero.
  (data (i32.const 0x100000) "hello from WAT, SMMU_IDR0 is 0x\00")

  ;; Returns the gpa of the first device of a kind, or 0 if there is none.
  (func $find (param $kind i32) (result i32) (local $entry i32) (local $count i32)
    ;; The device table and its length, in the info page; 32 bytes per entry: kind, gpa and so on.
    (local.set $entry (i32.const 0x100))
    (local.set $count (i32.load (i32.const 0x20)))
    (loop $next
      (if (local.get $count)
        (then
          (if (i32.eq (i32.load (local.get $entry)) (local.get $kind))
            (then (return (i32.load offset=4 (local.get $entry)))))
          (local.set $entry (i32.add (local.get $entry) (i32.const 32)))
          (local.set $count (i32.sub (local.get $count) (i32.const 1)))
          (br $next))))
    (i32.const 0))

  (func $print (param $uart i32) (param $text i32)
    (loop $next
      (if (i32.load8_u (local.get $text))
        (then
          ;; UARTDR is register 0.
          (call $mmio_write32 (local.get $uart) (i32.load8_u (local.get $text)))
          (local.set $text (i32.add (local.get $text) (i32.const 1)))
          (br $next)))))

  ;; Prints eight hexadecimal digits, the highest first.
  (func $print_hex (param $uart i32) (param $value i32) (local $left i32) (local $digit i32)
    (local.set $left (i32.const 8))
    (loop $next
      (local.set $value (i32.rotl (local.get $value) (i32.const 4)))
      (local.set $digit (i32.and (local.get $value) (i32.const 15)))
      (call $mmio_write32 (local.get $uart)
        (i32.add (local.get $digit)
          ;; '0', or 'a' minus ten.
          (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $digit) (i32.const 10)))))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $next (local.get $left))))

  (func (export "_initialize"))

  ;; Called again and again until it returns 2 (off); 1 (yield) asks for more calls.
  (func (export "vsmmu_run") (param $budget i32) (result i32) (local $uart i32)
    ;; Kinds are four letters, the first in the low byte: "uart" and "smu3".
    (local.set $uart (call $find (i32.const 0x74726175)))
    (call $print (local.get $uart) (i32.const 0x100000))
    (call $print_hex (local.get $uart) (call $mmio_read32 (call $find (i32.const 0x33756d73))))
    (call $mmio_write32 (local.get $uart) (i32.const 10))
    (i32.const 2)))
