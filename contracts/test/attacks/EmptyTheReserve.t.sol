// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ReserveBase} from "../ReserveBase.t.sol";

/// @notice Attack: operators whose wages exceed the reserve many times over drain it in a few periods.
contract EmptyTheReserveTest is ReserveBase {
    uint256 private constant ENDOWMENT = 10_000 ether;

    function setUp() public override {
        super.setUp();
        _endow(ENDOWMENT);
        // Wages of the whole reserve, each day.
        for (uint256 i = 0; i < OPERATORS; ++i) {
            _stake(operators[i], 60 * FLOOR);
        }
    }

    function test_NoPeriodReleasesMoreThanHalfAPercent() public {
        _prepare(PERIOD);
        uint256 expected = ENDOWMENT;
        for (uint64 period = PERIOD; period <= PERIOD + 4; ++period) {
            _run(period, 0, 0);
            _reportAll(period);
            if (period == PERIOD) continue;
            rewardReserve.close(period - 1);
            assertEq(_releaseOf(period - 1), expected * 4992 / 1_000_000);
            expected -= _releaseOf(period - 1);
            assertEq(rewardReserve.funds(), expected);
        }
    }

    /// @dev Nor do periods that are closed at once, after the reserve was left alone for months.
    function test_TimeThatPassedUnpaidIsNotMadeUpFor() public {
        _finalPeriod();
        _reportAll(PERIOD);
        _skip(200 days);
        rewardReserve.close(PERIOD);
        assertEq(_releaseOf(PERIOD), ENDOWMENT * 4992 / 1_000_000);
    }

    function test_WhatIsOwedToOthersIsNotReleasedAgain() public {
        _reward(PERIOD);
        uint256 owed = rewardReserve.owed();
        _prepare(PERIOD + 4);
        _run(PERIOD + 4, 0, 0);
        _reportAll(PERIOD + 4);
        _close(PERIOD + 4);
        assertEq(_releaseOf(PERIOD + 4), (ENDOWMENT - owed) * 4992 / 1_000_000);
        assertEq(feeToken.balanceOf(reserve), rewardReserve.funds() + rewardReserve.owed());
    }
}
