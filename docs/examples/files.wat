;; A command that keeps a note in a file, reads it back and prints it.
(module
  (import "env" "memory" (memory 32 32 shared))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (export "memory" (memory 0))
  ;; The path and the note; address and length of the note; address and length of the buffer to
  ;; read it back.
  (data (i32.const 0x100000) "note.txt")
  (data (i32.const 0x100100) "kept in a file\n")
  (data (i32.const 0x100200) "\00\01\10\00\0f\00\00\00")
  (data (i32.const 0x100210) "\00\04\10\00\40\00\00\00")
  (func $check (param $errno i32)
    (if (local.get $errno) (then (call $proc_exit (local.get $errno)))))
  (func (export "_start") (local $fd i32)
    ;; Directory 3 is the root. 1: create it. 0x66: read, write, seek and tell.
    (call $check (call $path_open (i32.const 3) (i32.const 0) (i32.const 0x100000) (i32.const 8)
      (i32.const 1) (i64.const 0x66) (i64.const 0) (i32.const 0) (i32.const 0x100300)))
    (local.set $fd (i32.load (i32.const 0x100300)))
    (call $check (call $fd_write (local.get $fd) (i32.const 0x100200) (i32.const 1) (i32.const 0x100300)))
    (call $check (call $fd_seek (local.get $fd) (i64.const 0) (i32.const 0) (i32.const 0x100300)))
    (call $check (call $fd_read (local.get $fd) (i32.const 0x100210) (i32.const 1) (i32.const 0x100214)))
    (call $check (call $fd_write (i32.const 1) (i32.const 0x100210) (i32.const 1) (i32.const 0x100300)))))
