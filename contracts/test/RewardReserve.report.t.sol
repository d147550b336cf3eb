// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {IRewardReserve} from "../src/interfaces/IRewardReserve.sol";
import {IUptimeLedger} from "../src/interfaces/IUptimeLedger.sol";
import {ReserveBase} from "./ReserveBase.t.sol";

contract RewardReserveReportTest is ReserveBase {
    /// @dev 23 of 24 slots are 9583 basis points, of which 83 above the floor are paid, of 490.
    uint256 private constant ONE_MISSED_BPS = 1693;

    function test_AnAvailableOperatorCountsWithAllItsCollateral() public {
        _finalPeriod();
        vm.expectEmit(reserve);
        emit IRewardReserve.AvailabilityReported(operators[2], PERIOD, bytes32(uint256(3)), 10_000, OWN_STAKE);
        assertEq(_reportOne(PERIOD, operators[2]), OWN_STAKE);

        IRewardReserve.Entry memory entry = rewardReserve.entryOf(PERIOD, operators[2]);
        assertEq(entry.weight, OWN_STAKE);
        assertEq(entry.domain, bytes32(uint256(3)));
        assertEq(rewardReserve.domainWeight(PERIOD, entry.domain), OWN_STAKE);
        assertEq(rewardReserve.periodOf(PERIOD).weight, OWN_STAKE);

        _reportOne(PERIOD, operators[3]);
        assertEq(rewardReserve.periodOf(PERIOD).weight, 2 * OWN_STAKE);
        assertEq(rewardReserve.domainWeight(PERIOD, entry.domain), OWN_STAKE);
    }

    function test_AMissedSlotCostsMostOfIt() public {
        _prepare(PERIOD);
        _run(PERIOD, 4, 1);
        vm.expectEmit(reserve);
        emit IRewardReserve.AvailabilityReported(
            operators[4], PERIOD, bytes32(uint256(5)), ONE_MISSED_BPS, OWN_STAKE * ONE_MISSED_BPS / 10_000
        );
        _reportOne(PERIOD, operators[4]);
    }

    /// @dev The lower of what was enrolled and what is there when it is reported.
    function testFuzz_StakeThatWasNotThereBothTimesDoesNotCount(uint256 before, uint256 later) public {
        before = bound(before, 0, 100 * OWN_STAKE);
        later = bound(later, 0, 100 * OWN_STAKE);
        address operator = operators[0];
        if (before > MIN_DEPOSIT) _delegate(alice, operator, before);
        else before = 0;
        _finalPeriod();
        if (before != 0) _thaw(alice, operator, _sharesOf(operator, alice));
        if (later > MIN_DEPOSIT) _delegate(bob, operator, later);
        else later = 0;

        uint256 lower = before < later ? before : later;
        uint256 counted = lower < 20 * OWN_STAKE ? lower : 20 * OWN_STAKE;
        assertApproxEqAbs(_reportOne(PERIOD, operator), OWN_STAKE + counted, 25);
    }

    function test_TheDomainIsTheOneDeclaredNow() public {
        _finalPeriod();
        _declare(operators[0], "moved");
        _reportOne(PERIOD, operators[0]);
        assertEq(rewardReserve.domainWeight(PERIOD, "moved"), OWN_STAKE);
        assertEq(rewardReserve.domainWeight(PERIOD, bytes32(uint256(1))), 0);

        // Moving on does not take the weight along.
        _declare(operators[0], bytes32(uint256(1)));
        assertEq(rewardReserve.entryOf(PERIOD, operators[0]).domain, "moved");
    }

    function test_ReportsAreTakenToTheLastSecond() public {
        _finalPeriod();
        _warpTo(rewardReserve.closesAt(PERIOD) - 1);
        assertEq(_reportOne(PERIOD, operators[0]), OWN_STAKE);
    }

    function test_RevertWhen_TheResultCanStillBeReplaced() public {
        _prepare(PERIOD);
        _draw(PERIOD + 1);
        (observedWords, upWords) = _allUp();
        _warpTo(_periodStart(PERIOD + 1));
        uint32[] memory members = committeeOf[PERIOD];
        ledger.post(PERIOD, members, _reports(PERIOD, members, observedWords, upWords));
        _warpTo(_periodStart(PERIOD + 1) + REPORT_WINDOW - 1);
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_PeriodNotFinal.selector, PERIOD));
        _reportOne(PERIOD, operators[0]);

        _skip(1);
        _reportOne(PERIOD, operators[0]);
    }

    function test_RevertWhen_ReportsAreClosed() public {
        _finalPeriod();
        uint64 closedAt = rewardReserve.closesAt(PERIOD);
        _warpTo(closedAt);
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_ReportsClosed.selector, PERIOD, closedAt));
        _reportOne(PERIOD, operators[0]);
    }

    function test_RevertWhen_TheResultIsNotTheLedgers() public {
        _finalPeriod();
        upWords[0] = 0;
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_WrongResult.selector, PERIOD));
        _reportOne(PERIOD, operators[0]);
    }

    function test_RevertWhen_TheOperatorWasNotEnrolled() public {
        _draw(PERIOD);
        _run(PERIOD, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_NotEnrolled.selector, PERIOD, operators[0]));
        _reportOne(PERIOD, operators[0]);
    }

    function test_RevertWhen_ItWasReported() public {
        _finalPeriod();
        _reportOne(PERIOD, operators[0]);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardReserve.RewardReserve_AlreadyReported.selector, PERIOD, operators[0])
        );
        _reportOne(PERIOD, operators[0]);
    }

    function test_RevertWhen_TheOperatorIsNotActive() public {
        _finalPeriod();
        vm.prank(address(slasher));
        operatorRegistry.jail(operators[0], _now() + 1 days);
        vm.prank(operators[1]);
        operatorRegistry.exit();
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_NotActive.selector, operators[i]));
            _reportOne(PERIOD, operators[i]);
        }
    }

    function test_RevertWhen_TheOperatorNeverRegistered() public {
        _stake(alice, FLOOR);
        _prepare(PERIOD);
        rewardReserve.enrol(alice);
        _run(PERIOD, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_NotRegistered.selector, alice));
        _reportOne(PERIOD, alice);
    }

    function test_RevertWhen_ItWasDownTooLong() public {
        _prepare(PERIOD);
        _run(PERIOD, 1, 2);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardReserve.RewardReserve_NothingEarned.selector, PERIOD, operators[1])
        );
        _reportOne(PERIOD, operators[1]);
    }

    function test_RevertWhen_ItWasNotWatched() public {
        _prepare(PERIOD);
        address late = _registerOperator("late");
        rewardReserve.enrol(late);
        _run(PERIOD, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_NothingEarned.selector, PERIOD, late));
        _reportOne(PERIOD, late);
    }

    function test_RevertWhen_TheStakeIsGone() public {
        _finalPeriod();
        _thaw(operators[0], operators[0], _sharesOf(operators[0], operators[0]));
        vm.expectRevert(
            abi.encodeWithSelector(IRewardReserve.RewardReserve_NothingEarned.selector, PERIOD, operators[0])
        );
        _reportOne(PERIOD, operators[0]);
    }
}
