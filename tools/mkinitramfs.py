#!/usr/bin/env python3
"""Make an initramfs: a cpio archive in the "newc" format, from a list of what goes where.

    mkinitramfs.py OUTPUT [DEST=FILE | DEST/ | DEST->TARGET | busybox=FILE]...

DEST=FILE copies a file (executable if it is), DEST/ makes a directory, DEST->TARGET a symbolic link, and
busybox=FILE puts it at /bin/busybox with a link for each of its applets. Directories on the way are made.
"""
import os
import stat
import subprocess
import sys


class Archive:
    def __init__(self):
        self.entries = {}       # path -> (mode, data)

    def directory(self, path):
        path = path.strip("/")
        if path and path not in self.entries:
            self.directory(os.path.dirname(path))
            self.entries[path] = (stat.S_IFDIR | 0o755, b"")

    def file(self, path, data, mode=0o644):
        path = path.strip("/")
        self.directory(os.path.dirname(path))
        self.entries[path] = (stat.S_IFREG | mode, data)

    def copy(self, path, source):
        with open(source, "rb") as f:
            self.file(path, f.read(), 0o755 if os.access(source, os.X_OK) else 0o644)

    def link(self, path, target):
        path = path.strip("/")
        self.directory(os.path.dirname(path))
        self.entries.setdefault(path, (stat.S_IFLNK | 0o777, target.encode()))

    def busybox(self, source):
        self.copy("bin/busybox", source)
        applets = subprocess.run([source, "--list-full"], check=True, capture_output=True, text=True).stdout
        for applet in applets.split():
            if applet not in ("bin/busybox", "linuxrc", "sbin/init"):
                self.link(applet, "/bin/busybox")

    def bytes(self):
        out = []
        for inode, (path, (mode, data)) in enumerate(self.entries.items(), 1):
            out.append(self._entry(path, inode, mode, data))
        out.append(self._entry("TRAILER!!!", 0, 0, b""))
        return b"".join(out)

    @staticmethod
    def _entry(path, inode, mode, data):
        name = path.encode() + b"\0"
        links = 2 if stat.S_ISDIR(mode) else 1
        fields = (inode, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(name), 0)
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + name
        return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def main(argv):
    archive = Archive()
    for item in argv[2:]:
        if "->" in item:
            archive.link(*item.split("->", 1))
        elif item.startswith("busybox="):
            archive.busybox(item.split("=", 1)[1])
        elif item.endswith("/"):
            archive.directory(item)
        else:
            archive.copy(*item.split("=", 1))
    temporary = argv[1] + ".new"
    with open(temporary, "wb") as f:
        f.write(archive.bytes())
    os.replace(temporary, argv[1])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv)
