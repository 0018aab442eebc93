"""How long a step took, with several of them under way."""

from vllm.v1.core.sched.output import SchedulerOutput

from andes_backend.engine.step_timer import StepTimer


def step() -> SchedulerOutput:
    return SchedulerOutput.make_empty()


def test_a_step_begins_when_it_is_scheduled() -> None:
    timer, one = StepTimer(), step()
    timer.scheduled(one, 1.0)
    assert len(timer) == 1
    assert timer.took(one, 1.25) == 0.25
    assert len(timer) == 0


def test_a_step_that_was_scheduled_meanwhile_begins_when_the_one_before_has_ended() -> None:
    timer, first, second = StepTimer(), step(), step()
    timer.scheduled(first, 1.0)
    timer.scheduled(second, 1.125)
    assert timer.took(first, 2.0) == 1.0
    assert timer.took(second, 2.5) == 0.5


def test_of_a_step_that_nobody_scheduled_nothing_is_known() -> None:
    assert StepTimer().took(step(), 3.0) == 0.0


def test_steps_that_never_come_back_do_not_pile_up() -> None:
    timer, lost = StepTimer(), [step() for _ in range(1000)]
    for one in lost:
        timer.scheduled(one, 1.0)
    assert len(timer) <= 65
