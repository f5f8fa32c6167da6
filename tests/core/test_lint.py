# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The lint finds what it is there to find: each violation is planted in a copy of core."""
import shutil
import subprocess

import pytest

SPDX = "/* SPDX-License-Identifier: MIT OR GPL-2.0-only */\n"
ENV = '#include "runtime/core/env.h"\n'

PLANTED = {
    "mutable_static": ("runtime/core/bad.c", ENV + "int bad(void);\nint bad(void)\n{\n\tstatic int n;\n\n\treturn n++;\n}\n", "mutable static"),
    "float": ("runtime/core/bad.c", ENV + "u32 bad(u32 a);\nu32 bad(u32 a)\n{\n\treturn (u32)((double)a * 0.7);\n}\n", "error"),
    "division_of_64_bits": ("runtime/core/bad.c", ENV + "u64 bad(u64 a, u64 b);\nu64 bad(u64 a, u64 b)\n{\n\treturn a / b;\n}\n", "udivdi3"),
    "allocation": ("runtime/core/bad.c", ENV + "void *malloc(size_t n);\nvoid *bad(void);\nvoid *bad(void)\n{\n\treturn malloc(9);\n}\n", "needs malloc"),
    "system_include": ("runtime/core/bad.c", "#include <stdio.h>\n", "only env.h may include system headers"),
    "include_of_the_tracer": ("runtime/core/bad.c", '#include "tracer/event.h"\n', 'may not include "tracer/event.h"'),
    "replay_includes_the_runtime": ("replay/bad.c", '#include "runtime/mapper.h"\n', 'may not include "runtime/mapper.h"'),
    "tracer_includes_core": ("tracer/bad.c", '#include "runtime/core/span.h"\n', 'may not include "runtime/core/span.h"'),
    "long_file": ("replay/bad.c", "\n" * 600, "split it"),
    "same_name_twice": ("replay/align.c", "", "would lose one"),
}


def lint(tree):
    return subprocess.run([tree / "tests/lint.sh"], capture_output=True, text=True, timeout=120)


@pytest.fixture
def tree(root, tmp_path):
    for part in ("runtime/core", "runtime/dart", "replay"):
        # what is planted stands by itself: no need to compile the coalescer each time
        shutil.copytree(root / part, tmp_path / part, ignore=shutil.ignore_patterns("coalesce*.c"))
    (tmp_path / "tests").mkdir()
    (tmp_path / "tracer").mkdir()
    shutil.copy(root / "tests/lint.sh", tmp_path / "tests")
    for header in ("tracer.h", "event.h"):
        shutil.copy(root / "tracer" / header, tmp_path / "tracer")
    return tmp_path


def test_lint_of_clean_tree_succeeds(tree):
    done = lint(tree)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", PLANTED)
def test_lint_finds_planted(tree, name):
    path, text, expected = PLANTED[name]
    (tree / path).write_text(SPDX + text)
    done = lint(tree)
    if name == "division_of_64_bits" and "no 32-bit target" in done.stderr:
        pytest.skip("this compiler has no 32-bit target")
    assert done.returncode == 1
    assert path in done.stdout or path.split("/")[-1] in done.stdout
    assert expected in done.stdout


def test_lint_finds_file_without_licence(tree):
    (tree / "replay/bad.h").write_text("#define X 1\n")
    done = lint(tree)
    assert done.returncode == 1
    assert "replay/bad.h: no line SPDX" in done.stdout
