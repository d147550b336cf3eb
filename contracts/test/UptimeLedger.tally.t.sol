// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IUptimeLedger} from "../src/interfaces/IUptimeLedger.sol";
import {UptimeBase} from "./UptimeBase.t.sol";

contract UptimeLedgerTallyTest is UptimeBase {
    function test_ATallyCountsObservedAndMissedSlots() public {
        _endPeriodOf(12);
        (uint256[] memory observed, uint256[] memory up) = _downFor(3, 5);
        _post(_reports(PERIOD, members, observed, up));
        (uint32 observedSlots, uint32 missedSlots) = ledger.tally(PERIOD, 3, observed, up);
        assertEq(observedSlots, SLOTS);
        assertEq(missedSlots, 5);
        (observedSlots, missedSlots) = ledger.tally(PERIOD, 4, observed, up);
        assertEq(observedSlots, SLOTS);
        assertEq(missedSlots, 0);
    }

    /// @dev Nobody is judged for bits of an index that was not given out when the draw was requested.
    function test_AnIndexBeyondTheOperatorsHasNoTally() public {
        _endPeriodOf(12);
        IUptimeLedger.Report[] memory reports = _randomReports(1, 0x7f);
        _post(reports);
        (uint256[] memory observed, uint256[] memory up) = _naiveResult(reports);
        (uint32 observedSlots, uint32 missedSlots) = ledger.tally(PERIOD, 12, observed, up);
        assertEq(observedSlots + missedSlots, 0);
        (observedSlots, missedSlots) = ledger.tally(PERIOD, type(uint32).max, observed, up);
        assertEq(observedSlots + missedSlots, 0);
    }

    function test_AResultIsFinalWhenTheWindowHasClosed() public {
        _endPeriodOf(12);
        assertFalse(ledger.isFinal(PERIOD));
        _post(_randomReports(1, 0x1f));
        assertFalse(ledger.isFinal(PERIOD));
        uint64 closesAt = _periodStart(PERIOD + 1) + REPORT_WINDOW;
        vm.warp(closesAt - 1);
        assertFalse(ledger.isFinal(PERIOD));
        vm.warp(closesAt);
        assertTrue(ledger.isFinal(PERIOD));
        IUptimeLedger.Report[] memory more = _randomReports(1, 0x7f);
        vm.expectPartialRevert(IUptimeLedger.UptimeLedger_OutsideReportWindow.selector);
        _post(more);
    }

    function test_APeriodWithoutAResultIsNeverFinal() public {
        _endPeriodOf(12);
        _skip(365 days);
        assertFalse(ledger.isFinal(PERIOD));
    }

    function test_RevertWhen_TheWordsAreNotTheResult() public {
        _endPeriodOf(12);
        (uint256[] memory observed, uint256[] memory up) = _downFor(3, 5);
        _expectWrongResult();
        ledger.tally(PERIOD, 3, observed, up);
        _post(_reports(PERIOD, members, observed, up));
        up[23] ^= 1;
        _expectWrongResult();
        ledger.tally(PERIOD, 3, observed, up);
        up[23] ^= 1;
        _expectWrongResult();
        ledger.tally(PERIOD, 3, up, observed);
    }

    function test_RevertWhen_AResultWasReplaced() public {
        _endPeriodOf(12);
        IUptimeLedger.Report[] memory first = _randomReports(1, 0x1f);
        _post(first);
        (uint256[] memory observed, uint256[] memory up) = _naiveResult(first);
        ledger.tally(PERIOD, 0, observed, up);
        _post(_randomReports(1, 0x7f));
        _expectWrongResult();
        ledger.tally(PERIOD, 0, observed, up);
    }

    function _expectWrongResult() private {
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_WrongResult.selector, PERIOD));
    }
}

/// @notice Networks of one to three words: the tally of every operator, counted vote by vote.
contract UptimeLedgerManyOperatorsTest is UptimeBase {
    function test_256OperatorsFillOneWord() public {
        _checkNetworkOf(256, 1);
    }

    function test_257OperatorsTakeTwoWords() public {
        _checkNetworkOf(257, 2);
    }

    function test_600OperatorsTakeThreeWords() public {
        _checkNetworkOf(600, 3);
    }

    function _checkNetworkOf(uint256 operatorCount, uint256 expectedWords) private {
        _endPeriodOf(operatorCount);
        assertEq(words, expectedWords);
        assertEq(members.length, 7);
        vm.recordLogs();
        IUptimeLedger.Report[] memory reports = _randomReports(operatorCount, 0x7f);
        _post(reports);
        (,, uint256[] memory observed, uint256[] memory up,) =
            abi.decode(vm.getRecordedLogs()[0].data, (uint8, bytes32, uint256[], uint256[], bytes32[]));
        assertEq(observed.length, SLOTS * expectedWords);
        for (uint256 i = 0; i < members.length; ++i) {
            _checkTally(reports, observed, up, members[i]);
        }
        for (uint256 i = 0; i < 20; ++i) {
            // forge-lint: disable-next-line(unsafe-typecast)
            _checkTally(reports, observed, up, uint32(operatorCount - 1 - i * (operatorCount - 1) / 19));
        }
    }

    function _checkTally(
        IUptimeLedger.Report[] memory reports,
        uint256[] memory observed,
        uint256[] memory up,
        uint32 index
    ) private view {
        uint32 expectedObserved = 0;
        uint32 expectedMissed = 0;
        for (uint256 slot = 0; slot < SLOTS; ++slot) {
            (bool wasObserved, bool wasUp) = _naiveVerdict(reports, index, slot);
            if (wasObserved) ++expectedObserved;
            if (wasObserved && !wasUp) ++expectedMissed;
        }
        (uint32 observedSlots, uint32 missedSlots) = ledger.tally(PERIOD, index, observed, up);
        assertEq(observedSlots, expectedObserved);
        assertEq(missedSlots, expectedMissed);
    }
}
