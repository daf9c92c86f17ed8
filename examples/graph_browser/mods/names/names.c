// A mod in C, without a library. Built by ../build.sh.

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

IMPORT("cp", "emit_intent") int emit_intent(const char *json, int length);
IMPORT("cp", "log") void log_line(int level, const char *text, int length);
IMPORT("host", "page_count") int page_count(void);
IMPORT("host", "page_path") int page_path(int page, char *out, int capacity);

// Pages named in one tick: fewer than the intents that a call may emit.
enum { AT_ONCE = 32, INFO = 2 };

static int next;
static char path[512];
static char json[640];
static int used;

static void put(const char *text) {
    while (*text) json[used++] = *text++;
}

static void put_number(int number) {
    if (number >= 10) put_number(number / 10);
    json[used++] = '0' + number % 10;
}

static int ends_with(const char *text, int length, const char *end, int end_length) {
    if (length < end_length) return 0;
    for (int i = 0; i < end_length; i++) {
        if (text[length - end_length + i] != end[i]) return 0;
    }
    return 1;
}

// The last part of the path that says something, without its ending: `frames/index.html` is `frames`.
static void put_name(int length) {
    if (ends_with(path, length, "/index.html", 11)) {
        length -= 11;
    } else if (ends_with(path, length, ".html", 5)) {
        length -= 5;
    }
    int start = length;
    while (start > 0 && path[start - 1] != '/') start--;
    for (int i = start; i < length; i++) {
        char c = path[i];
        // What would have to be escaped in JSON, and what stands for a space.
        if (c == '-' || c == '_' || c == '"' || c == '\\' || (c >= 0 && c < ' ')) c = ' ';
        if (i == start && c >= 'a' && c <= 'z') c += 'A' - 'a';
        json[used++] = c;
    }
}

EXPORT("mod_activate") int mod_activate(void) {
    log_line(INFO, "names pages", 11);
    return 0;
}

EXPORT("mod_tick") void mod_tick(void) {
    int pages = page_count();
    for (int i = 0; i < AT_ONCE && next < pages; i++, next++) {
        int length = page_path(next, path, sizeof path);
        if (length <= 0 || length > (int)sizeof path) continue;
        used = 0;
        put("{\"kind\":\"name\",\"page\":");
        put_number(next);
        put(",\"text\":\"");
        put_name(length);
        put("\"}");
        emit_intent(json, used);
    }
}
