"""A filter of system calls that children cannot take off.

It stacks on whatever filter the engine has set and does not depend on it: the profile of Docker 20.10 leaves io_uring
and AF_VSOCK open, and a plain process has no filter at all. Refused calls fail with EPERM, so that a program sees an
`OSError`. Known numbers are those of x86-64; on other machines `install` returns False and the engine's own filter is
what there is.

Plain cBPF, built here: load a word of `struct seccomp_data`, compare, jump. See seccomp(2), bpf in linux/filter.h.
"""

import ctypes
import errno
import platform
import socket
import struct

from sandbox.image.linux import prctl

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2
_ARCH_X86_64 = 0xC000003E
_X32_BIT = 0x40000000
_NR, _ARCH, _ARG0 = 0, 4, 16  # offsets in struct seccomp_data; the low half of an argument comes first
_LOAD, _RETURN = 0x20, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_RET|BPF_K
_IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT = 0x15, 0x35, 0x45  # BPF_JMP | BPF_JEQ, BPF_JGE, BPF_JSET | BPF_K
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000

_SOCKET, _SOCKETPAIR, _CLONE, _CLONE3 = 41, 53, 56, 435
_NEW_NAMESPACES = 0x7E020080  # every CLONE_NEW* flag of clone(2)

# arch/x86/entry/syscalls/syscall_64.tbl of Linux 6.1
REFUSED = {
    "shmget": 29, "shmat": 30, "shmctl": 31, "semget": 64, "semop": 65, "semctl": 66, "shmdt": 67, "msgget": 68,
    "msgsnd": 69, "msgrcv": 70, "msgctl": 71, "semtimedop": 220, "mq_open": 240, "mq_unlink": 241,
    "mq_timedsend": 242, "mq_timedreceive": 243, "mq_notify": 244, "mq_getsetattr": 245,
    "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "pidfd_getfd": 438,
    "process_madvise": 440, "process_mrelease": 448,
    "setpriority": 141, "ioprio_set": 251, "sched_setparam": 142, "sched_setscheduler": 144, "sched_setattr": 314,
    "sched_setaffinity": 203,
    "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "unshare": 272, "setns": 308, "open_tree": 428,
    "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "mount_setattr": 442,
    "swapon": 167, "swapoff": 168, "quotactl": 179, "quotactl_fd": 443, "acct": 163, "reboot": 169,
    "sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173, "modify_ldt": 154, "vhangup": 153,
    "settimeofday": 164, "clock_settime": 227, "adjtimex": 159, "clock_adjtime": 305,
    "init_module": 175, "delete_module": 176, "finit_module": 313, "kexec_load": 246, "kexec_file_load": 320,
    "create_module": 174, "get_kernel_syms": 177, "query_module": 178, "nfsservctl": 180, "uselib": 134,
    "ustat": 136, "sysfs": 139, "_sysctl": 156, "personality": 135, "syslog": 103, "lookup_dcookie": 212,
    "add_key": 248, "request_key": 249, "keyctl": 250, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
    "fanotify_init": 300, "fanotify_mark": 301, "name_to_handle_at": 303, "open_by_handle_at": 304,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "io_setup": 206, "io_submit": 209,
    "vmsplice": 278, "mbind": 237, "set_mempolicy": 238, "get_mempolicy": 239, "migrate_pages": 256,
    "move_pages": 279, "set_mempolicy_home_node": 450, "memfd_secret": 447,
}  # fmt: skip

LOOPBACK = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)
"""Families for a box that has no network: what programs use to talk to themselves."""


def install(families: tuple[int, ...]) -> bool:
    """Filter this process and all that it starts, for good. Needs `no_new_privs` or root.

    Args:
        families: address families that `socket()` may still be called with; none refuses it altogether.

    Returns:
        False, and no filter, on a machine whose numbers are not known.
    """
    if not available():
        return False
    code = program(families)
    block = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(block))  # struct sock_fprog
    holder = ctypes.create_string_buffer(header, len(header))
    prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(holder))
    return True


def available() -> bool:
    """Whether `install` knows the system calls of this machine."""
    return platform.machine() == "x86_64"


def program(families: tuple[int, ...]) -> bytes:
    """Return the filter as instructions of 8 bytes each."""
    fail = _FAIL | errno.EPERM
    lines = [
        _step(_LOAD, _ARCH),
        _step(_IF_EQUAL, _ARCH_X86_64, then=1),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NR),
        _step(_IF_AT_LEAST, _X32_BIT, otherwise=1),
        _step(_RETURN, _FAIL | errno.ENOSYS),
        _step(_IF_EQUAL, _CLONE3, otherwise=1),
        _step(_RETURN, _FAIL | errno.ENOSYS),  # its flags lie in memory; the C library falls back to clone
        _step(_IF_EQUAL, _CLONE, otherwise=4),
        _step(_LOAD, _ARG0),
        _step(_IF_ANY_BIT, _NEW_NAMESPACES, then=1),
        _step(_RETURN, _ALLOW),
        _step(_RETURN, fail),
        *_only(_SOCKET, families),
        *_only(_SOCKETPAIR, (socket.AF_UNIX,)),
    ]
    refused = sorted(set(REFUSED.values()))
    lines += [_step(_IF_EQUAL, number, then=len(refused) - n) for n, number in enumerate(refused)]
    lines += [_step(_RETURN, _ALLOW), _step(_RETURN, fail)]
    return b"".join(lines)


def _only(call: int, families: tuple[int, ...]) -> list[bytes]:
    """Return the lines that let `call` through for `families` alone; the call's number is, and stays, loaded."""
    return [
        _step(_IF_EQUAL, call, otherwise=len(families) + 3),
        _step(_LOAD, _ARG0),
        *(_step(_IF_EQUAL, family, then=len(families) - n) for n, family in enumerate(families)),
        _step(_RETURN, _FAIL | errno.EAFNOSUPPORT),
        _step(_RETURN, _ALLOW),
    ]


def _step(code: int, value: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("HBBI", code, then, otherwise, value & 0xFFFFFFFF)
