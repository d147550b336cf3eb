// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ReserveBase} from "../ReserveBase.t.sol";

/// @notice Attack: stake appears for the moment in which weights are taken, and is gone while the work was done.
contract StakeForPaydayTest is ReserveBase {
    uint256 private constant WHALE = 20 * OWN_STAKE;
    address private operator;

    function setUp() public override {
        super.setUp();
        _endow(PLENTY);
        operator = operators[0];
        _prepare(PERIOD);
    }

    function _claimed() private returns (uint256) {
        _reportAll(PERIOD);
        _close(PERIOD);
        return rewardReserve.claim(PERIOD, operator);
    }

    function test_StakeThatComesBeforeTheReportEarnsNothing() public {
        _run(PERIOD, 0, 0);
        _delegate(attacker, operator, WHALE);
        assertEq(_claimed(), DAILY_WAGES / OPERATORS);
    }

    /// @dev Enrolled with it, and thawed as soon as that was noted.
    function test_StakeThatIsGoneByTheReportEarnsNothing() public {
        _delegate(attacker, operator, WHALE);
        rewardReserve.enrol(operator);
        _thaw(attacker, operator, _sharesOf(operator, attacker));
        _run(PERIOD, 0, 0);
        assertEq(_claimed(), DAILY_WAGES / OPERATORS);
    }

    /// @dev An enrolment once the period has begun is for the next.
    function test_TheEnrolmentComesBeforeThePeriod() public {
        _warpTo(_periodStart(PERIOD));
        _delegate(attacker, operator, WHALE);
        assertEq(rewardReserve.enrol(operator), PERIOD + 1);
        _run(PERIOD, 0, 0);
        assertEq(_claimed(), DAILY_WAGES / OPERATORS);
    }
}
