// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {UptimeLedger} from "../src/UptimeLedger.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {IUptimeLedger} from "../src/interfaces/IUptimeLedger.sol";
import {Base} from "./Base.t.sol";
import {stdError} from "forge-std/Test.sol";

contract UptimeLedgerScheduleTest is Base {
    function test_ItSaysHowItIsConfigured() public {
        vm.expectEmit();
        emit IUptimeLedger.UptimeLedgerConfigured(address(operatorRegistry), _schedule());
        UptimeLedger created = new UptimeLedger(operatorRegistry, _schedule());
        assertEq(abi.encode(created.schedule()), abi.encode(_schedule()));
        assertEq(address(created.OPERATOR_REGISTRY()), address(operatorRegistry));
        assertEq(created.COMMITTEE(), 7);
        assertEq(created.QUORUM(), 5);
        assertEq(created.MAX_OPERATORS(), 4096);
    }

    function test_RevertWhen_TheRegistryIsZero() public {
        _expectInvalid();
        new UptimeLedger(IOperatorRegistry(address(0)), _schedule());
    }

    function test_RevertWhen_AFieldOfTheScheduleIsZeroOrTooLarge() public {
        IUptimeLedger.Schedule memory schedule = _schedule();
        schedule.genesis = 0;
        _expectInvalid();
        new UptimeLedger(operatorRegistry, schedule);
        schedule = _schedule();
        schedule.slotSeconds = 0;
        _expectInvalid();
        new UptimeLedger(operatorRegistry, schedule);
        schedule = _schedule();
        schedule.slotsPerPeriod = 0;
        _expectInvalid();
        new UptimeLedger(operatorRegistry, schedule);
        schedule.slotsPerPeriod = 65;
        _expectInvalid();
        new UptimeLedger(operatorRegistry, schedule);
        schedule = _schedule();
        schedule.reportWindow = 0;
        _expectInvalid();
        new UptimeLedger(operatorRegistry, schedule);
        schedule = _schedule();
        schedule.slotsPerPeriod = 64;
        assertEq(new UptimeLedger(operatorRegistry, schedule).schedule().slotsPerPeriod, 64);
    }

    function testFuzz_EverySecondBelongsToThePeriodThatStartedLast(uint64 timestamp) public view {
        timestamp = uint64(bound(timestamp, GENESIS, 1e12));
        uint64 period = ledger.periodAt(timestamp);
        assertLe(ledger.periodStart(period), timestamp);
        assertGt(ledger.periodStart(period + 1), timestamp);
        assertEq(ledger.periodStart(period), GENESIS + period * 24 hours);
    }

    function test_RevertWhen_ThePeriodBeforeGenesisIsAskedFor() public {
        vm.expectRevert(stdError.arithmeticError);
        ledger.periodAt(GENESIS - 1);
    }

    function _expectInvalid() private {
        vm.expectRevert(IUptimeLedger.UptimeLedger_ScheduleInvalid.selector);
    }
}
