#!/usr/bin/env bash
# Drives graph_browser's window and its terminal under Xvfb with software GL, checks that they answer, and photographs them:
#   examples/graph_browser/pictures.sh [FOLDER]      into FOLDER, or examples/graph_browser/pictures
# Skipped, with the reason, where Xvfb, xdotool, ImageMagick or xterm is not installed:
#   apt-get install xvfb xdotool imagemagick xterm libgl1-mesa-dri libgl1 libxkbcommon-x11-0 libxcursor1 libxi6 fonts-dejavu-core
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=$(realpath -m "${1:-examples/graph_browser/pictures}")

for tool in Xvfb xdotool import convert xterm; do
    command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 0; }
done

cargo build -p examples --features window,terminal,journal --example graph_browser
browser=${CARGO_TARGET_DIR:-target}/debug/examples/graph_browser
scratch=$(mktemp -d)
mkdir -p "$out"
started=()
finish() {
    for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
    rm -rf "$scratch"
}
trap finish EXIT

exec 6>"$scratch/display"
Xvfb -displayfd 6 -screen 0 1280x800x24 -nolisten tcp >/dev/null 2>&1 &
started+=($!)
for _ in $(seq 100); do [[ -s $scratch/display ]] && break; sleep 0.1; done
export DISPLAY=:$(cat "$scratch/display") LIBGL_ALWAYS_SOFTWARE=1 WINIT_UNIX_BACKEND=x11
unset WAYLAND_DISPLAY

window() { # a title: its window, once it is there
    for _ in $(seq 200); do
        xdotool search --onlyvisible --name "$1" 2>/dev/null | head -1 && return
        sleep 0.1
    done
    echo "no window called $1"; exit 1
}
colours() { identify -format '%k' "$1"; }
photograph() { # a name, the fewest colours that show something, a window
    import -window "${3:-root}" "$out/$1.png"
    local found; found=$(colours "$out/$1.png")
    ((found >= $2)) || { echo "$1.png has $found colours: nothing is drawn"; exit 1; }
    echo "$out/$1.png: $found colours"
}
differs() { # two names: whether what was done is seen
    local count; count=$(compare -metric AE "$out/$1.png" "$out/$2.png" null: 2>&1 || true)
    ((${count%%[!0-9]*} > 500)) || { echo "$1.png and $2.png are the same: $count"; exit 1; }
}

# A past to scrub: the same seed sees the same pages.
"$browser" --quiet --plain --seed 7 --visits 40 --journal "$scratch/a.journal" >/dev/null </dev/null

"$browser" --window --demo --quiet --seed 8 --visits 60 --journal "$scratch/a.journal" >"$scratch/window.log" 2>&1 </dev/null &
program=$!
started+=("$program")
id=$(window graph_browser)
# Without a window manager nothing gives it the keyboard.
xdotool windowfocus "$id"
sleep "${PICTURES_WAIT:-12}" # the visitor walks for three seconds, the layout cools for six
photograph window 200

# The first row of the console: a worker that panicked. (By keyboard alone: the tests of control-panel-egui.)
xdotool mousemove 300 693 click 1
sleep 1.5
photograph panic 200
differs window panic
xdotool key Escape
sleep 1

# The slider is dragged to what was recorded half-way: the picture has an edge then.
xdotool mousemove 1104 570 mousedown 1
sleep 0.5
xdotool mousemove 700 570
sleep 0.5
xdotool mousemove 620 570
sleep 0.5
xdotool mouseup 1
sleep 2
photograph past 200
edge() { convert "$out/$1.png" -format '%[pixel:p{1,300}]' info:; }
[[ $(edge past) != "$(edge window)" ]] || { echo "the slider shows no past"; exit 1; }

xdotool windowclose "$id" 2>/dev/null || true
for _ in $(seq 100); do kill -0 "$program" 2>/dev/null || break; sleep 0.1; done
kill "$program" 2>/dev/null || true
wait "$program" 2>/dev/null || true

xterm -geometry 118x34+0+0 -fa 'DejaVu Sans Mono' -fs 11 -bg '#12161d' -fg '#c9d1d9' -title terminal \
    -e "$browser" --demo --seed 8 --visits 60 &
started+=($!)
terminal=$(window terminal)
sleep 6
xdotool key Down
sleep 1
photograph terminal 20 "$terminal"
