;; A mod by hand. The host takes the text as it is.
(module
  (import "cp" "emit_intent" (func $emit_intent (param i32 i32) (result i32)))
  (import "host" "page_count" (func $page_count (result i32)))
  (import "host" "page_path" (func $page_path (param i32 i32 i32) (result i32)))

  (memory (export "memory") 1)
  (data (i32.const 0) "{\"kind\":\"block\",\"page\":") ;; 23 bytes, the number follows
  (data (i32.const 64) "frames/")                        ;; what is blocked, 7 bytes
  ;; From 512 on: a page's path.

  (global $next (mut i32) (i32.const 0))
  (global $used (mut i32) (i32.const 0))

  (func (export "mod_activate") (result i32)
    (i32.const 0))

  ;; Looks at no more than 32 pages, so that a tick stays short.
  (func (export "mod_tick") (local $left i32)
    (local.set $left (i32.const 32))
    (block $done
      (loop $more
        (br_if $done (i32.ge_s (global.get $next) (call $page_count)))
        (br_if $done (i32.eqz (local.get $left)))
        (call $look (global.get $next))
        (global.set $next (i32.add (global.get $next) (i32.const 1)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $more))))

  (func $look (param $page i32) (local $length i32)
    (local.set $length (call $page_path (local.get $page) (i32.const 512) (i32.const 512)))
    (if (i32.and
          (i32.le_u (local.get $length) (i32.const 512))
          (call $is_blocked (local.get $length)))
      (then
        (global.set $used (i32.const 23))
        (call $put_number (local.get $page))
        (call $put (i32.const 0x7d)) ;; }
        (drop (call $emit_intent (i32.const 0) (global.get $used))))))

  (func $is_blocked (param $length i32) (result i32) (local $at i32)
    (if (i32.lt_u (local.get $length) (i32.const 7))
      (then (return (i32.const 0))))
    (loop $next
      (if (i32.ne
            (i32.load8_u (i32.add (i32.const 64) (local.get $at)))
            (i32.load8_u (i32.add (i32.const 512) (local.get $at))))
        (then (return (i32.const 0))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 7))))
    (i32.const 1))

  (func $put (param $byte i32)
    (i32.store8 (global.get $used) (local.get $byte))
    (global.set $used (i32.add (global.get $used) (i32.const 1))))

  (func $put_number (param $number i32)
    (if (i32.ge_u (local.get $number) (i32.const 10))
      (then (call $put_number (i32.div_u (local.get $number) (i32.const 10)))))
    (call $put (i32.add (i32.const 0x30) (i32.rem_u (local.get $number) (i32.const 10))))))
