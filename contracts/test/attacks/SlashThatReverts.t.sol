// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Base} from "../Base.t.sol";

/// @notice Attack: bring the pool into a state in which a slash reverts.
contract SlashThatRevertsTest is Base {
    address private operator = makeAddr("an operator");

    function setUp() public override {
        super.setUp();
        _stake(operator, OWN_STAKE);
    }

    /// @dev A slash must go through in any state that stakes, thaws, withdrawals and earlier slashes can reach.
    function testFuzz_ASlashGoesThroughInAnyState(uint256[6] memory amounts, uint8 steps, uint256 last) public {
        uint256 slashed = 0;
        for (uint256 i = 0; i < amounts.length; ++i) {
            uint256 shares = _sharesOf(operator, operator);
            if (steps & (1 << i) != 0) {
                uint256 before = vault.slashable(operator);
                uint256 actual = _slash(operator, amounts[i], 2000);
                assertEq(actual, amounts[i] < before ? amounts[i] : before);
                slashed += before - vault.slashable(operator);
            } else if (vault.stakeOf(operator, operator) > 1) {
                // Always worth a base unit or more, often all there is.
                uint256 least = shares / vault.stakeOf(operator, operator) + 1;
                _thaw(operator, operator, bound(amounts[i], least, shares));
            }
        }
        uint256 rest = vault.slashable(operator);

        assertEq(_slash(operator, last, 2000), last < rest ? last : rest);

        slashed += rest - vault.slashable(operator);
        assertEq(vault.credited(reporter) + vault.credited(sink), slashed);
    }

    function test_NothingIsTooMuch() public {
        assertEq(_slash(operator, type(uint256).max, 2000), OWN_STAKE);
        assertEq(_slash(operator, type(uint256).max, 2000), 0);
        assertEq(_slash(attacker, type(uint256).max, 2000), 0);
    }

    /// @dev One base unit of active stake beside a lot that thaws: the rounding of the split must not underflow.
    function testFuzz_ALastActiveBaseUnitIsNoObstacle(uint256 amount) public {
        _thaw(operator, operator, (OWN_STAKE - 1) * 1e6);
        amount = bound(amount, 1, OWN_STAKE);

        assertEq(_slash(operator, amount, 0), amount);
        assertGe(_stake(operator, OWN_STAKE), OWN_STAKE * 1e6);
        assertApproxEqAbs(vault.stakeOf(operator, operator), OWN_STAKE, 2);
    }
}
