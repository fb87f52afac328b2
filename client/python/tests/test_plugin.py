"""The pytest plugin fails the test that leaves a file outstanding or a rule broken, and no other."""

import pytest


@pytest.fixture
def outcomes(pytester, lowerdeck_server, monkeypatch):
    """Runs a test file of a user's against the running server."""
    monkeypatch.setenv("LOWERDECK_ENDPOINT", lowerdeck_server.endpoint)

    def run(source):
        pytester.makepyfile(source)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider")

    return run


def test_a_test_that_closes_its_files_passes(outcomes):
    result = outcomes(
        """
        def test_tidy(lowerdeck_device):
            with lowerdeck_device.create_wdf_file("chan") as file:
                assert file.write(b"hello", 0) == 5
        """
    )
    result.assert_outcomes(passed=1)


def test_a_test_that_forgets_a_file_fails_by_name(outcomes):
    result = outcomes(
        """
        import pytest

        @pytest.mark.filterwarnings("ignore::ResourceWarning")
        def test_untidy(lowerdeck_device):
            lowerdeck_device.create_wdf_file("forgotten")
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*'forgotten'*was never closed (CLS-2)*"])


def test_a_test_whose_closed_file_is_still_held_fails_with_who_holds_it(outcomes, monkeypatch):
    monkeypatch.setattr("lowerdeck.pytest_plugin.GONE_SECONDS_MAX", 0.1)
    result = outcomes(
        """
        import pytest

        @pytest.fixture
        def held(lowerdeck_device):
            yield
            lowerdeck_device.lab.control(lowerdeck_device.stack, 1, "complete L0:2 S_OK")

        @pytest.mark.lowerdeck_stack("scripted")
        def test_held(lowerdeck_device, held):
            lowerdeck_device.lab.control(lowerdeck_device.stack, 1, "on read: hold")
            with lowerdeck_device.create_wdf_file("held") as file:
                file.send_read(4).wait_accepted()
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*'held'*is still outstanding*", "*request L0:2: outstanding; layer 1 scripted*"])


CLOSES_A_HANDLE_UNDER_ITS_TARGET = r"""
        import pytest

        @pytest.mark.lowerdeck_stack("handles")
        {marker}
        def test_bad_manners(lowerdeck_device):
            handle = lowerdeck_device.create_named_pipe(r"\\.\pipe\plugin-{name}")
            with handle.create_target():
                handle.close()
        """


def test_a_finding_fails_its_test_with_the_rule_and_the_advice(outcomes):
    result = outcomes(CLOSES_A_HANDLE_UNDER_ITS_TARGET.format(marker="", name="found"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*finding FHT-20 about L0 test_bad_manners*"])


def test_a_finding_that_is_meant_fails_nothing(outcomes):
    meant = '@pytest.mark.lowerdeck_breaks("FHT-20")'
    outcomes(CLOSES_A_HANDLE_UNDER_ITS_TARGET.format(marker=meant, name="meant")).assert_outcomes(passed=1)
    another = '@pytest.mark.lowerdeck_breaks("STOP-10", "CLS-17")'
    outcomes(CLOSES_A_HANDLE_UNDER_ITS_TARGET.format(marker=another, name="other")).assert_outcomes(failed=1)


def test_a_driver_stop_fails_its_test(outcomes):
    result = outcomes(
        """
        import lowerdeck
        import pytest

        @pytest.mark.lowerdeck_stack("scripted")
        def test_stopped(lowerdeck_device):
            lowerdeck_device.lab.control(lowerdeck_device.stack, 1, "on read: complete-twice(S_OK)")
            file = lowerdeck_device.create_wdf_file()
            with pytest.raises(lowerdeck.LowerdeckError):
                file.read(4)
                file.read(4)
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*driver stop REQ-54 about L1 scripted*"])


def test_the_failure_of_the_test_itself_comes_first(outcomes):
    result = outcomes(
        """
        import pytest

        @pytest.mark.filterwarnings("ignore::ResourceWarning")
        def test_broken(lowerdeck_device):
            lowerdeck_device.create_wdf_file("forgotten")
            assert 1 == 2, "the test's own verdict"
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the test's own verdict*"])


def test_without_a_server_the_reason_is_given(pytester, monkeypatch):
    for variable in ("LOWERDECK_ENDPOINT", "LOWERDECKD"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    pytester.makepyfile("def test_any(lowerdeck_device): pass")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*set LOWERDECK_ENDPOINT to a running one, or LOWERDECKD*"])
