#!/bin/sh
# Adds compilers and runtimes to a Debian 12 with Python; run as root inside it, with a package mirror in reach.
#
# What a language needs beside its packages lies in /opt/languages/NAME, which also says that the language is there.
# Packages that were downloaded before are taken from /mnt, where a build may mount a directory that it keeps.
# Libraries are compiled once, here: programs are built against them by the bare compilers, without cargo, the go
# command or any cache that one sample could leave to the next.
set -eu
export DEBIAN_FRONTEND=noninteractive HOME=/root
for language in javascript cpp java go rust; do mkdir -p "/opt/languages/$language"; done
scratch=$(mktemp -d)
chmod 755 "$scratch"

[ -e /etc/apt/sources.list.d/debian.sources ] || cp /tmp/sources.list /etc/apt/sources.list
cat > /etc/dpkg/dpkg.cfg.d/build <<'END'
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/man/*
END
mkdir -p /usr/share/man/man1 /var/log/apt  # packages write there, and small bases have neither
apt-get -q update
apt-get -qy -o Dir::Cache::Archives=/mnt -o APT::Keep-Downloaded-Packages=true install --no-install-recommends \
    nodejs g++ libboost-dev libssl-dev openjdk-17-jdk-headless golang-go golang-github-stretchr-testify-dev rustc
cd "$scratch"
apt-get -q download librust-aho-corasick-dev librust-cfg-if-dev librust-getrandom-dev librust-libc-dev \
    librust-md5-dev librust-memchr-dev librust-ppv-lite86-dev librust-rand-core-dev librust-rand-chacha-dev \
    librust-rand-dev librust-regex-dev librust-regex-syntax-dev

# Go: the archives of the standard library and of testify, and the list of them that compiler and linker read.
go_archives() {
    export GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=/opt/languages/go/cache CGO_ENABLED=0 GOFLAGS=-trimpath
    go list -export -deps -f '{{if .Export}}packagefile {{.ImportPath}}={{.Export}}{{end}}' \
        std testing/internal/testdeps github.com/stretchr/testify/assert github.com/stretchr/testify/require \
        > /opt/languages/go/importcfg
    find /opt/languages/go/cache -type f ! -name '*-d' -delete
    ln -s "$(go env GOTOOLDIR)" /opt/languages/go/tool
}
go_archives &
go=$!

# Java: archives of loaded classes, which halve the start of compiler and program.
java -Xshare:dump > /dev/null
mkdir java
printf 'public class Main { public static void main(String[] a) { System.out.println(java.util.List.of(1)); } }' > java/Main.java
javac -J-XX:+UseSerialGC -J-XX:ArchiveClassesAtExit=/opt/languages/java/javac.jsa -proc:none -d java java/Main.java

# JavaScript: the one module beyond node's own that HumanEvalPack asks for.
mkdir -p /opt/languages/javascript/node_modules/js-md5
printf "module.exports = (text) => require('crypto').createHash('md5').update(text).digest('hex');\n" \
    > /opt/languages/javascript/node_modules/js-md5/index.js

# Rust: the crates that HumanEvalPack uses, each as one rlib.
for package in librust-*.deb; do dpkg -x "$package" crates; done
crate() { # NAME EDITION FEATURES [RUSTC OPTION...]
    name=$1 edition=$2 features=$3
    shift 3
    for feature in $features; do set -- "$@" --cfg "feature=\"$feature\""; done
    library=$(echo "$name" | tr - _)
    folder=$(echo crates/usr/share/cargo/registry/"$name"-[0-9]*)
    CARGO_PKG_VERSION=0 OUT_DIR="$scratch" rustc --crate-type rlib --crate-name "$library" --edition "$edition" \
        --cap-lints allow -C opt-level=2 -L /opt/languages/rust --out-dir /opt/languages/rust "$folder/src/lib.rs" "$@"
}
use() { for library in "$@"; do echo "--extern $library=/opt/languages/rust/lib$library.rlib"; done; }
crate cfg-if 2018 ""
crate libc 2015 "std" --cfg libc_union --cfg libc_const_size_of --cfg libc_align --cfg libc_cfg_target_vendor \
    --cfg libc_core_cvoid --cfg libc_packedN --cfg libc_priv_mod_use --cfg libc_int128 --cfg libc_non_exhaustive \
    --cfg libc_ptr_addr_of --cfg libc_underscore_const_names --cfg libc_const_extern_fn
crate getrandom 2018 "std" $(use cfg_if libc)
crate ppv-lite86 2018 "std simd"
crate rand_core 2018 "std getrandom alloc" $(use getrandom)
crate rand_chacha 2018 "std" $(use rand_core ppv_lite86)
crate rand 2018 "std std_rng alloc getrandom rand_chacha libc" $(use rand_core rand_chacha libc)
crate memchr 2018 "std" --cfg memchr_runtime_simd --cfg memchr_runtime_sse2 --cfg memchr_runtime_sse42 \
    --cfg memchr_runtime_avx
crate aho-corasick 2018 "std" $(use memchr)
crate regex-syntax 2018 "unicode unicode-age unicode-bool unicode-case unicode-gencat unicode-perl unicode-script unicode-segment"
crate regex 2018 "std aho-corasick memchr perf perf-cache perf-dfa perf-inline perf-literal unicode unicode-age unicode-bool unicode-case unicode-gencat unicode-perl unicode-script unicode-segment" \
    $(use memchr aho_corasick regex_syntax)
crate md5 2015 "std"

wait "$go"
cd /
rm -rf "$scratch" /root/.cache /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc /usr/share/info /usr/share/locale \
    /usr/share/man /usr/share/cargo /var/log/* /tmp/toolchains.sh /tmp/sources.list /etc/apt/sources.list \
    /etc/dpkg/dpkg.cfg.d/build
mountpoint -q /mnt || rm -rf /mnt/*
chmod -R a+rX /opt/languages
