"""Reading Pollux's C sources: files, comments and functions, as the checks and the generated documents see them."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
KERNEL_DIRS = ("kernel", "net", "drivers", "fs")


def files(*suffixes, dirs=KERNEL_DIRS):
    return sorted(p for d in dirs for p in (ROOT / d).rglob("*") if p.suffix in suffixes)


def rel(path):
    return str(path.relative_to(ROOT))


def strip_code(text):
    """Comments, strings and character constants blanked out; line numbers stay."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, text, flags=re.S)


def comments(text):
    """(line, text) of every comment."""
    for m in re.finditer(r"/\*.*?\*/|//[^\n]*", text, flags=re.S):
        yield text.count("\n", 0, m.start()) + 1, m.group(0)


def functions(path):
    """(name, first line, lines between the braces) of each function whose braces stand in column 0."""
    lines = strip_code(path.read_text()).splitlines()
    start = None
    for n, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = n
        elif line.startswith("}") and start:
            head = ""
            for back in range(start - 2, max(start - 12, -1), -1):
                head = lines[back] + " " + head
                if lines[back] and not lines[back][0].isspace():
                    break
            m = re.search(r"(\w+)\s*\([^;]*\)\s*$", head.strip())
            if m and "=" not in head.split("(")[0]:
                name = m.group(1) if not head.startswith("SYSCALL_DEFINE") else "sys_" + re.search(r"\((\w+)", head).group(1)
                name = re.match(r"[^(]*?(\w+)\s*\(", head).group(1) if not head.startswith("SYSCALL_DEFINE") else name
                yield name, start, n - start - 1
            start = None


def header_block(path):
    """The fields of a file's opening comment: {"purpose", "Linux", "Same", "Differs", "Locks", "Walk"}."""
    m = re.match(r"\s*/\*(.*?)\*/", path.read_text(), re.S)
    if not m:
        return {}
    body = re.sub(r"^\s*\*? ?", "", m.group(1), flags=re.M).strip()
    fields = {"purpose": body.split("\n\n")[0].replace("\n", " ")}
    for m in re.finditer(r"^(Linux|Same|Differs|Locks|Walk):\s*(.*?)(?=^(?:Linux|Same|Differs|Locks|Walk):|\Z|\n\n)", body, re.S | re.M):
        fields[m.group(1)] = " ".join(m.group(2).split())
    return fields


def rows(macro, path):
    """The arguments of each macro row in a list file, strings unquoted and joined."""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / path).read_text(), flags=re.S).replace("\\\n", "\n")
    for m in re.finditer(rf"\b{macro}\(((?:[^()\"]|\"(?:\\.|[^\"\\])*\"|\([^()]*\))*)\)", text):
        args = [a.strip() for a in re.findall(r'(?:[^,"]|"(?:\\.|[^"\\])*")+', m.group(1))]
        yield [re.sub(r'"\s*"', "", a).strip('"') if a.startswith('"') else a for a in args]
