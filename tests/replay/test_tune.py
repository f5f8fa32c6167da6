# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-replay tune: what it chooses, says and writes."""
import csv
import io
import json

import pytest

COMMON = ["--cells", "60"]


def tuned(replay, *args):
    return json.loads(replay("tune", *COMMON, *args, "--json").stdout)


def test_choice_is_what_replay_says_of_it_and_keeps_the_rule(replay, recording, tmp_path):
    file = tmp_path / "found.policy"
    found = tuned(replay, recording, "-o", file)
    choice = found["choice"]
    assert found["tried"] == 60 and found["rule"] == {"reserve_percent": 5, "slack_percent": 15.0}
    row = json.loads(replay(recording, "--json", "--policy", f"@{file}").stdout)[0]
    assert row["policy"] == choice["policy"] and row == {**choice["traces"][0], "trace": str(recording)}
    less = json.loads(replay(recording, "--json", "--policy", f"@{file}", "--dart", f"apple-tb4:mappings={65536 * 95 // 100},bytes={(1536 << 20) * 95 // 100 // 16384 * 16384}").stdout)[0]
    assert row["fits"] and less["fits"] and choice["less_fits"] and less["peak_mappings"] == choice["less_peak_mappings"]
    leanest = min(c["peak_mapped_bytes"] for c in found["front"])
    within = [c for c in found["front"] if c["peak_mapped_bytes"] <= 1.15 * leanest and c["less_fits"]]
    assert choice["less_peak_mappings"] == min(c["less_peak_mappings"] for c in within)
    window = json.loads(replay(recording, "--json", "--policy", "window:log2=18").stdout)[0]
    assert 4 * row["peak_mappings"] <= window["peak_mappings"] and row["peak_mapped_bytes"] <= window["peak_mapped_bytes"]


def test_front_holds_nothing_that_another_beats(replay, recording):
    front = [(c["peak_mappings"], c["peak_mapped_bytes"], c["host_calls"]) for c in tuned(replay, recording)["front"]]
    assert len(front) == len(set(front)) > 3
    assert not [a for a in front for b in front if a != b and all(x <= y for x, y in zip(b, a))]


def test_same_seed_gives_the_same_search(replay, recording):
    assert tuned(replay, recording) == tuned(replay, recording, "--threads", "1")


def test_all_traces_given_must_fit(replay, recording, trace):
    choice = tuned(replay, recording, trace)["choice"]
    assert [t["trace"] for t in choice["traces"]] == [str(recording), str(trace)] and all(t["fits"] for t in choice["traces"])


def test_only_what_was_asked_for_is_tried(replay, recording):
    found = tuned(replay, recording, "--policy", "window:log2=18..20", "--cells", "3")
    assert {c["policy"] for c in found["front"]} <= {f"window:log2={n}" for n in (18, 19, 20)}


def test_policies_that_keep_are_tried_only_if_asked_for(replay, recording):
    def any_keeps(*args):
        return any("keep=" in c["policy"] and "keep=0" not in c["policy"] for c in json.loads(replay("tune", "--cells", "100", *args, recording, "--json").stdout)["front"])
    assert not any_keeps() and any_keeps("--keep") and any_keeps("--policy", "lazy:keep=4")


def test_policy_file_carries_predictions_and_limits(replay, trace, tmp_path):
    file = tmp_path / "p"
    replay("tune", trace, "-o", file, "--limit", "apple-tb4:mappings=1000", *COMMON)
    lines = file.read_text().splitlines()
    assert lines[0].startswith("# Found by egpu-replay tune") and str(trace) in lines[1] and "imported" in lines[1]
    assert [line.split(" = ")[0] for line in lines[2:]] == ["policy", "limits"] and "mappings=1000," in lines[3]


def test_table_names_the_rule_and_csv_the_choice(replay, recording):
    table = replay("tune", recording, *COMMON).stdout
    assert "\n> " in table and "\nrule: fits with 5% less of either limit on every trace" in table and "\nbound: " in table
    front = list(csv.DictReader(io.StringIO(replay("tune", recording, *COMMON, "--csv").stdout)))
    assert [row["chosen"] for row in front].count("true") == 1


def test_nothing_that_fits_fails_and_writes_nothing(replay, recording, tmp_path):
    done = replay("tune", recording, "-o", tmp_path / "p", "--dart", "apple-tb4:bytes=16M", *COMMON, status=1)
    assert "no policy that was tried serves every request" in done.stderr and not (tmp_path / "p").exists()


def test_trace_that_is_absent_fails(replay, tmp_path):
    assert "No such file" in replay("tune", tmp_path / "absent", status=1).stderr


@pytest.mark.parametrize("text", [
    "", "# nothing\n", "policy\n", "policy = \n", "policy = nonsense\n", "policy = direct\npolicy = direct\n", "policy = direct\nalign = up\n",
    "policy = direct\nother = 1\n", "policy = direct" + " " * 600, "policy = direct\n" + "\n" * 2000, "policy = window:log2=16..18\n",
    "policy = direct\nlimits = " + "x" * 400 + "\n", "\0\n",
])
def test_policy_file_that_is_none_is_misuse(replay, build, trace, tmp_path, text):
    (tmp_path / "p").write_text(text)
    said = replay(trace, "--policy", f"@{tmp_path}/p", status=2).stderr
    assert "policy file" in said or "has no line 'policy = SPEC'" in said


def test_policy_file_may_have_comments_space_and_a_shim(replay, trace, tmp_path):
    (tmp_path / "p").write_text("# by hand\n\n  policy =  window:log2=20  \n\talign=downgrade")
    row = json.loads(replay(trace, "--json", "--policy", f"@{tmp_path}/p").stdout)[0]
    assert (row["policy"], row["align"]["shim"]) == ("window:log2=20", "downgrade")
    row = json.loads(replay(trace, "--json", "--policy", f"@{tmp_path}/p", "--align", "none").stdout)[0]
    assert row["align"]["shim"] == "none"
