import pytest

from andes_backend import AndesConfig
from andes_client import Expectation


def test_without_settings_the_defaults_hold() -> None:
    assert AndesConfig.from_mapping(None) == AndesConfig()
    assert AndesConfig().default_expectation == Expectation(1.0, 4.8)


def test_settings_are_taken_over() -> None:
    config = AndesConfig.from_mapping({"policy": "fcfs", "default_tds": 3})
    assert (config.policy, config.default_tds) == ("fcfs", 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"polcy": "qoe"}, "unknown setting andes.polcy.*the settings are: policy, "),
        ({"policy": 3}, "andes.policy must be a policy's name, not 3"),
        ({"default_tds": 0}, "andes.default_tds must be finite and at least 0.001, not 0"),
        ({"default_tds": "fast"}, "andes.default_tds must be a number, not 'fast'"),
        ({"default_ttft": -1}, "andes.default_ttft must be finite and at least 0, not -1"),
        ({"horizon_s": float("nan")}, "andes.horizon_s must be finite"),
        ({"program_tds": True}, "andes.program_tds must be a number, not True"),
        ("qoe", "needs an object under \"andes\".*not 'qoe'"),
    ],
)
def test_a_bad_setting_is_named(settings: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AndesConfig.from_mapping(settings)
