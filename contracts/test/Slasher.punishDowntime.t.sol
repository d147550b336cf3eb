// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {IUptimeLedger} from "../src/interfaces/IUptimeLedger.sol";
import {Base} from "./Base.t.sol";

contract SlasherPunishDowntimeTest is Base {
    uint32 private constant DOWN = 3;
    uint128 private constant FEE = 1000 ether;
    /// @dev One in eight down, where nothing was missed before, is as much as the factor can be.
    uint256 private constant FACTOR = 4;

    address private operator;
    uint256 private escrowed;
    uint256[] private observed;
    uint256[] private up;

    function setUp() public override {
        super.setUp();
        _registerOperators(8);
        operator = operators[DOWN];
    }

    /// @dev The operator missed `missedSlots` of the first `observedSlots`; nobody knows about the others.
    function _run(uint64 period, uint256 observedSlots, uint256 missedSlots) private {
        (observed, up) = _downFor(DOWN, missedSlots);
        for (uint256 slot = observedSlots; slot < SLOTS; ++slot) {
            observed[slot] &= ~(uint256(1) << DOWN);
            up[slot] &= observed[slot];
        }
        _runPeriod(period, observed, up);
    }

    function _atMost(uint256 amount, uint256 most) private pure returns (uint256) {
        return amount < most ? amount : most;
    }

    function _earn() private {
        _pay(operator, FEE);
        escrowed = settlement.earnings(operator).locked;
    }

    /// @dev All of it locked, a tenth of it the reporter's.
    function _seized(uint256 taken) private pure returns (IInferenceSettlement.Seized memory seized) {
        seized.fromLocked = taken;
        seized.cut = taken / 10;
        seized.reserved = (taken - seized.cut) / 2;
        seized.burned = taken - seized.cut - seized.reserved;
    }

    function _punish(uint64 period) private {
        vm.prank(reporter);
        slasher.punishDowntime(operator, period, observed, up);
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_TheFirstFaultTakesEarningsAlone(uint32 missedSlots) public {
        missedSlots = uint32(bound(missedSlots, 9, 24));
        _run(0, 24, missedSlots);
        _finalize(0);
        _earn();
        uint256 taken = _atMost(escrowed * FACTOR * missedSlots / 48, escrowed);

        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.EarningsSeized(operator, reporter, address(0), _seized(taken));
        vm.expectEmit(address(slasher));
        emit ISlasher.DowntimePunished(operator, 0, reporter, 24, missedSlots, 1, taken, 0, 0);
        _punish(0);

        assertTrue(slasher.punished(operator, 0));
        assertEq(settlement.earnings(operator).locked, escrowed - taken);
        assertEq(settlement.credited(reporter), taken / 10);
        assertEq(vault.slashable(operator), OWN_STAKE);
        assertTrue(operatorRegistry.isEligible(operator));
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_ARepeatedFaultReachesPrincipalAndJails(uint32 missedSlots, uint256 delegated) public {
        missedSlots = uint32(bound(missedSlots, 9, 24));
        delegated = bound(delegated, MIN_DEPOSIT, 1e6 ether);
        _delegate(alice, operator, delegated);
        _run(0, 24, 24);
        _finalize(0);
        _punish(0);
        _run(1, 24, missedSlots);
        _finalize(1);
        uint256 taken = (OWN_STAKE + delegated) * FACTOR * missedSlots / 2400;
        uint64 until = _now() + 2 days;

        vm.expectEmit(address(slasher));
        emit ISlasher.DowntimePunished(operator, 1, reporter, 24, missedSlots, 2, 0, taken, until);
        _punish(1);

        assertEq(vault.slashable(operator), OWN_STAKE + delegated - taken);
        assertEq(vault.credited(reporter), taken / 10);
        assertEq(vault.credited(sink), taken - taken / 10);
        IOperatorRegistry.Operator memory record = operatorRegistry.operatorOf(operator);
        assertEq(uint8(record.status), uint8(IOperatorRegistry.Status.Jailed));
        assertEq(record.jailedUntil, until);
    }

    function test_ASecondFaultWhileJailedCountsAndExtendsTheTerm() public {
        _run(0, 24, 24);
        _run(1, 24, 24);
        _run(2, 24, 24);
        _finalize(2);
        _punish(0);
        _punish(1);
        uint256 left = vault.slashable(operator);
        _skip(1 hours);

        _punish(2);

        assertEq(vault.slashable(operator), left - left * FACTOR / 100);
        assertEq(operatorRegistry.operatorOf(operator).jailedUntil, _now() + 2 days);
    }

    /// @dev Leaving ends service, not liability for service that was owed.
    function test_AnExitingOperatorStillPays() public {
        _run(0, 24, 24);
        _run(1, 24, 24);
        vm.prank(operator);
        operatorRegistry.exit();
        _finalize(1);
        _punish(0);

        vm.expectEmit(address(slasher));
        emit ISlasher.DowntimePunished(operator, 1, reporter, 24, 24, 2, 0, OWN_STAKE * FACTOR / 100, 0);
        _punish(1);
    }

    function test_ThawingStakePaysToo() public {
        _thaw(operator, operator, _sharesOf(operator, operator));
        _run(0, 24, 24);
        _run(1, 24, 24);
        _finalize(1);
        _punish(0);
        _punish(1);

        assertEq(vault.slashable(operator), OWN_STAKE - OWN_STAKE * FACTOR / 100);
    }

    function test_AnOperatorWithNothingLeftIsPunishedForNothing() public {
        _run(0, 24, 24);
        _run(1, 24, 24);
        _finalize(1);
        _slash(operator, type(uint256).max, 0);
        _punish(0);

        vm.expectEmit(address(slasher));
        emit ISlasher.DowntimePunished(operator, 1, reporter, 24, 24, 2, 0, 0, _now() + 2 days);
        _punish(1);
    }

    function test_HalfOfTheSlotsObservedIsEnough() public {
        _run(0, 12, 5);
        _finalize(0);

        vm.expectEmit(address(slasher));
        emit ISlasher.DowntimePunished(operator, 0, reporter, 12, 5, 1, 0, 0, 0);
        _punish(0);
    }

    function test_RevertWhen_LessThanHalfWasObserved() public {
        _run(0, 11, 11);
        _finalize(0);

        vm.expectRevert(abi.encodeWithSelector(ISlasher.Slasher_TooLittleObserved.selector, 11, 12));
        _punish(0);
    }

    function test_RevertWhen_AThirdOrLessWasMissed() public {
        _run(0, 24, 8);
        _finalize(0);

        vm.expectRevert(abi.encodeWithSelector(ISlasher.Slasher_NotDown.selector, operator, 0, 8, 24));
        _punish(0);
    }

    function test_RevertWhen_ThePeriodIsNotFinal() public {
        _run(0, 24, 24);
        _warpTo(_periodStart(1) + REPORT_WINDOW - 1);
        vm.expectRevert(abi.encodeWithSelector(ISlasher.Slasher_PeriodNotFinal.selector, 0));
        _punish(0);

        // Nothing was ever posted for these.
        vm.expectRevert(abi.encodeWithSelector(ISlasher.Slasher_PeriodNotFinal.selector, 1));
        _punish(1);
        vm.expectRevert(abi.encodeWithSelector(ISlasher.Slasher_PeriodNotFinal.selector, type(uint64).max));
        _punish(type(uint64).max);
    }

    function test_RevertWhen_ThePeriodWasNotWeighed() public {
        _run(0, 24, 24);
        _warpTo(_periodStart(1) + REPORT_WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ISlasher.Slasher_WeighPeriodFirst.selector, 0));
        _punish(0);

        slasher.weighPeriod(0, observed, up);
        _punish(0);
    }

    function test_RevertWhen_TheEvidenceExpired() public {
        _run(0, 24, 24);
        _finalize(0);
        uint64 deadline = _periodStart(1) + EVIDENCE;
        _warpTo(deadline);
        vm.expectRevert(abi.encodeWithSelector(ISlasher.Slasher_EvidenceExpired.selector, 0, deadline));
        _punish(0);

        vm.warp(deadline - 1);
        _punish(0);
    }

    function test_RevertWhen_ItWasPunishedAlready() public {
        _run(0, 24, 24);
        _finalize(0);
        _punish(0);

        vm.expectRevert(abi.encodeWithSelector(ISlasher.Slasher_AlreadyPunished.selector, operator, 0));
        _punish(0);
    }

    function test_RevertWhen_TheWordsAreNotTheResult() public {
        _run(0, 24, 24);
        _finalize(0);
        up[0] ^= 1;
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_WrongResult.selector, 0));
        _punish(0);
    }

    function test_RevertWhen_TheOperatorIsUnknown() public {
        _run(0, 24, 24);
        _finalize(0);
        operator = attacker;
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_NotRegistered.selector, attacker));
        _punish(0);
    }
}
