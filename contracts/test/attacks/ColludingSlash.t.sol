// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ISlasher} from "../../src/interfaces/ISlasher.sol";
import {IStakeVault} from "../../src/interfaces/IStakeVault.sol";
import {Base} from "../Base.t.sol";

/// @notice Attack: an operator reports itself to get stake out at once, past the thaw.
contract ColludingSlashTest is Base {
    uint32 private constant DOWN = 0;
    address private operator;
    uint256[] private observed;
    uint256[] private up;

    function setUp() public override {
        super.setUp();
        _registerOperators(7);
        operator = operators[DOWN];
        (observed, up) = _downFor(DOWN, SLOTS);
    }

    function _punishItself(uint64 period) private {
        vm.prank(operator);
        slasher.punishDowntime(operator, period, observed, up);
    }

    function _setHarshestPenalty() private {
        ISlasher.DowntimePenalty memory penalty = _penalty();
        penalty.principalBps = 1000;
        penalty.reporterCutBps = 2000;
        _govern(address(slasher), abi.encodeCall(slasher.changeDowntimePenalty, (penalty)));
    }

    /// @dev Under the harshest penalty, the highest factor and the highest cut that there can be, an operator that reports
    ///      itself pays four for each one that it gets early, and never gets more than a twelfth of its stake for a period.
    function test_ReportingOneselfCostsFourTimesWhatItPays() public {
        _setHarshestPenalty();
        uint64 first = uint64((_now() - GENESIS) / PERIOD_SECONDS + 2);
        _runPeriod(first, observed, up);
        _runPeriod(first + 1, observed, up);
        _finalize(first + 1);
        _punishItself(first);
        _punishItself(first + 1);

        uint256 early = vault.collectSlashed(operator);
        uint256 lost = OWN_STAKE - vault.slashable(operator);

        assertEq(lost, 4 * OWN_STAKE / 10);
        assertEq(early, lost / 5);
        assertGe(lost - early, 4 * early);
    }

    /// @dev The vault holds any slasher that comes after this one to the same.
    function testFuzz_NoSlasherCanPayOutMoreThanAFifth(uint256 amount, uint256 cutBps) public {
        cutBps = bound(cutBps, 2001, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_CutTooHigh.selector, cutBps, 2000));
        _slash(operator, amount, cutBps);

        uint256 actual = _slash(operator, amount, 2000);
        assertLe(vault.credited(reporter) * 5, actual);
    }

    function test_EarningsCannotBeTakenEarlyEither() public {
        _pay(operator, 1000 ether);
        uint256 escrowed = settlement.earnings(operator).locked;
        _runPeriod(0, observed, up);
        _finalize(0);
        _punishItself(0);

        uint256 early = settlement.collect(operator);

        assertEq(early, escrowed / 10);
        assertEq(settlement.earnings(operator).locked, 0);
    }

    /// @dev What a slash leaves thaws like any other stake.
    function testFuzz_WhatIsLeftStillThaws(uint256 amount) public {
        uint256 ticketId = _thaw(operator, operator, _sharesOf(operator, operator));
        uint64 readyAt = vault.ticket(ticketId).readyAt;
        _slash(operator, bound(amount, 0, OWN_STAKE - 1 ether), 2000);

        assertEq(vault.ticket(ticketId).readyAt, readyAt);
        assertEq(readyAt, _now() + THAW);
    }
}
