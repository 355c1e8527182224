;; A command in WebAssembly text: says hello through WASI and ends.
(module
  (import "env" "memory" (memory 32 32 shared))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (export "memory" (memory 0))
  ;; Above the ABI's first MiB: the text, then its address and length, then room for the number of
  ;; bytes written.
  (data (i32.const 0x100000) "hello from WAT\n")
  (data (i32.const 0x100010) "\00\00\10\00\0f\00\00\00")
  (func (export "_start")
    (drop (call $fd_write (i32.const 1) (i32.const 0x100010) (i32.const 1) (i32.const 0x100018)))))
