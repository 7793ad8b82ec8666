"""Mix at rest: a record has a course for every network, and its numbers do not depend on when it is run."""

from __future__ import annotations

from pathlib import Path

from lossedu.experiments import at_rest, running


def test_a_record_has_a_course_for_every_network(tmp_path: Path) -> None:
    found = [
        running.run("at_rest", "smoke", out=tmp_path / name, device="cpu", say=lambda line: None)
        for name in ("one", "two")
    ]
    record = found[0]
    assert {run["arm"] for run in record.runs} == set(at_rest.ARMS)
    for run in record.runs:
        assert [point[0] for point in run["course"]] == [4, 8, 16]
        for _, share, cosine, alone in run["course"]:
            assert 0 < share < 1 and -1 <= cosine <= 1 and 0 < alone < 1
        assert run["course"][0][1] == run["course"][0][3]
        assert len(run["rest"]) == 2
    assert [run["course"] for run in found[0].runs] == [run["course"] for run in found[1].runs]
