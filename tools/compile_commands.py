#!/usr/bin/env python3
"""Print a compile_commands.json for clangd: the first argument is the compiler call, the rest are the sources."""
import json
import os
import sys

print(json.dumps([{"directory": os.getcwd(), "file": f, "command": f"{sys.argv[1]} -c {f}"} for f in sys.argv[2:]], indent=1))
