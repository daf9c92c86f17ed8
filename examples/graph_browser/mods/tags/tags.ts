// A mod in AssemblyScript, without its runtime's allocator. Built by ../build.sh.

@external("cp", "emit_intent") declare function emitIntent(json: usize, length: i32): i32;
@external("host", "page_count") declare function pageCount(): i32;
@external("host", "page_path") declare function pagePath(page: i32, out: usize, capacity: i32): i32;

// Pages tagged in one tick: fewer than the intents that a call may emit.
const AT_ONCE = 32;
const CAPACITY = 512;

const path = memory.data(CAPACITY);
const json = memory.data(640);
let next = 0;
let used = 0;

// Top-level code: it becomes the module's start function.
const head = String.UTF8.byteLength('{"kind":"tag","page":');
let ready = head > 0;

function put(byte: u8): void {
  store<u8>(json + used++, byte);
}

function putText(text: string): void {
  for (let i = 0; i < text.length; i++) put(<u8>text.charCodeAt(i));
}

function putNumber(number: i32): void {
  if (number >= 10) putNumber(number / 10);
  put(<u8>(48 + number % 10));
}

/** The bytes before the first slash; 0 for a page that lies in no folder. */
function folderLength(length: i32): i32 {
  for (let i = 0; i < length; i++) {
    if (load<u8>(path + i) == 47) return i;
  }
  return 0;
}

export function mod_activate(): i32 {
  return ready ? 0 : 1;
}

export function mod_tick(): void {
  const pages = pageCount();
  for (let i = 0; i < AT_ONCE && next < pages; i++, next++) {
    const length = pagePath(next, path, CAPACITY);
    if (length <= 0 || length > CAPACITY) continue;
    const folder = folderLength(length);
    if (folder == 0) continue;
    used = 0;
    putText('{"kind":"tag","page":');
    putNumber(next);
    putText(',"text":"');
    for (let at = 0; at < folder; at++) {
      const byte = load<u8>(path + at);
      // What would have to be escaped in JSON.
      put(byte < 32 || byte == 34 || byte == 92 ? 32 : byte);
    }
    putText('"}');
    emitIntent(json, used);
  }
}
