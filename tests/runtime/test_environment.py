"""An environment tells versions and machine, and no secrets."""

from __future__ import annotations

import json
import os
import platform

from hmmdsl.runtime.environment import differences, environment


def test_it_names_versions_threads_and_devices() -> None:
    found = environment({"fit": "cpu"}, {"fit": 1})
    assert {"hmmdsl", "python", "torch", "numpy", "processor"} <= set(found)
    assert found["devices"] == {"fit": "cpu"}
    assert found["threads"] == {"fit": 1}


def test_it_names_neither_the_machine_nor_a_path_nor_a_user() -> None:
    text = json.dumps(environment({"fit": "cpu"}, {"fit": 1}))
    assert os.path.expanduser("~") not in text
    assert os.getcwd() not in text
    assert platform.node() not in text


def test_differences_are_told_in_words() -> None:
    now = environment({"fit": "cpu"}, {"fit": 1})
    assert differences(now, now) == []
    assert differences({**now, "torch": "1.0"}, now) == [f"torch: 1.0 then, {now['torch']} now"]
