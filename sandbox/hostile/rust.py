"""Rust programs that want a pass without the right answer, or too much of the machine."""

from sandbox.contract import Limits
from sandbox.hostile.probe import Probe, foreigner
from sandbox.status import Status

TESTS = """\
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_guess() {
        assert_eq!(guess(1), 602214076);
        assert_eq!(vec![guess(2)], vec![299792458]);
    }

    #[test]
    fn test_again() {
        assert!(guess(2) == 299792458);
    }
}
"""
_LIMITS = Limits(cpu_s=3, wall_s=25, pids=48)
_WRONG = "fn guess(n: i32) -> i32 { 0 }\n"
_LOST = (Status.FAIL, Status.NO_VERDICT, Status.ERROR, Status.COMPILE_ERROR, Status.SIGNAL)
_READER = """
fn guess(n: i32) -> i32 {
    let text = include_str!(FILE);
    match text.find(&format!("guess{}{}), ", "(", n)) {
        Some(at) => text[at + 10..at + 19].parse().unwrap(),
        None => 0,
    }
}
"""


def _rust(name: str, program: str, *expected: Status, limits: Limits = _LIMITS) -> Probe:
    return foreigner("rust", name, program, TESTS, *expected, limits=limits)


PROBES: tuple[Probe, ...] = (
    _rust("an honest program", "fn guess(n: i32) -> i32 { if n == 1 { 602214076 } else { 299792458 } }", Status.PASS),
    _rust("a wrong answer", _WRONG, Status.FAIL),
    _rust("exit 0 in a call", "fn guess(n: i32) -> i32 { std::process::exit(0) }", Status.NO_VERDICT),
    _rust("exit 0 in main", f"fn main() {{ std::process::exit(0) }}\n{_WRONG}", Status.FAIL),
    _rust(
        "exit 0 in a constructor",
        """
        extern "C" { fn _exit(code: i32) -> !; }
        extern "C" fn early() { unsafe { _exit(0) } }
        #[link_section = ".init_array"]
        #[used]
        static EARLY: extern "C" fn() = early;
        fn guess(n: i32) -> i32 { 0 }
        """,
        Status.NO_VERDICT,
    ),
    _rust(
        "exit 0 after the failure",
        """
        extern "C" { fn atexit(f: extern "C" fn()) -> i32; fn _exit(code: i32) -> !; }
        extern "C" fn late() { unsafe { _exit(0) } }
        fn guess(n: i32) -> i32 { unsafe { atexit(late); } 0 }
        """,
        Status.FAIL,
    ),
    _rust(
        "exit 0 in a panic hook",
        """
        fn guess(n: i32) -> i32 {
            std::panic::set_hook(Box::new(|_| std::process::exit(0)));
            panic!()
        }
        """,
        Status.NO_VERDICT,
    ),
    _rust("an assert_eq of its own", f"macro_rules! assert_eq {{ ($($any:tt)*) => {{}} }}\n{_WRONG}", *_LOST),
    _rust(
        "an assert_eq exported",
        f"#[macro_export]\nmacro_rules! assert_eq {{ ($($any:tt)*) => {{}} }}\n"
        f"#[macro_export]\nmacro_rules! assert {{ ($($any:tt)*) => {{}} }}\n{_WRONG}",
        *_LOST,
    ),
    _rust("a std of its own", f"mod std {{ pub mod panic {{ pub fn catch_unwind() {{}} }} }}\n{_WRONG}", *_LOST),
    _rust("tests of its own", f"mod tests {{ #[test] fn test_guess() {{}} }}\n{_WRONG}", Status.COMPILE_ERROR),
    _rust(
        "the C library's write of its own",
        '#[no_mangle] pub extern "C" fn write(_: i32, _: *const u8, n: usize) -> isize { n as isize }\n'
        '#[no_mangle] pub extern "C" fn _exit(_: i32) { loop {} }\n' + _WRONG,
        Status.FAIL,
        Status.CPU_LIMIT,
        Status.COMPILE_ERROR,
    ),
    _rust(
        "the secret read and written early",
        """
        extern "C" {
            fn _exit(code: i32) -> !;
            fn read(fd: i32, to: *mut u8, n: usize) -> isize;
            fn write(fd: i32, from: *const u8, n: usize) -> isize;
        }
        extern "C" fn early() {
            unsafe {
                let mut b = [0u8; 99];
                let n = read(3, b.as_mut_ptr(), 99);
                if n > 0 { write(4, b.as_ptr(), n as usize); }
                _exit(0)
            }
        }
        #[link_section = ".init_array"]
        #[used]
        static EARLY: extern "C" fn() = early;
        fn guess(n: i32) -> i32 { 0 }
        """,
        Status.NO_VERDICT,
    ),
    _rust(
        "the witness's names",
        f'#[no_mangle] pub extern "C" fn __wrap_main() -> i32 {{ 0 }}\n{_WRONG}',
        Status.COMPILE_ERROR,
        Status.FAIL,
    ),
    _rust("its own source in itself", _READER.replace("FILE", '"program.rs"'), Status.COMPILE_ERROR),
    _rust("its own source by name", _READER.replace("FILE", "file!()"), Status.COMPILE_ERROR),
    _rust("its own source on the compiler's input", _READER.replace("FILE", '"/proc/self/fd/0"'), *_LOST),
    _rust(
        "an include of /dev/zero",
        'static S: &str = include_str!("/dev/zero");',
        Status.COMPILE_ERROR,
        Status.COMPILE_TIMEOUT,
    ),
    _rust("a syntax error", "fn guess(", Status.COMPILE_ERROR),
    _rust("nothing", "", Status.COMPILE_ERROR),
    _rust("an endless loop", "fn guess(n: i32) -> i32 { loop {} }", Status.CPU_LIMIT, limits=Limits(cpu_s=1, pids=48)),
    _rust("a null pointer", "fn guess(n: i32) -> i32 { unsafe { *(8 as *const i32) } }", Status.SIGNAL),
    _rust(
        "recursion without end", "fn guess(n: i32) -> i32 { guess(n) + guess(n - 1) }", Status.SIGNAL, Status.CPU_LIMIT
    ),
    _rust(
        "memory without end",
        "fn guess(n: i32) -> i32 { let mut a = Vec::new(); loop { a.push(vec![1u8; 1 << 24]); } }",
        Status.OOM,
        Status.SIGNAL,
    ),
)
