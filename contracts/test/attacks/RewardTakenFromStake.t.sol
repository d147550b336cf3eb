// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Base} from "../Base.t.sol";

/// @notice Attack: a reporter's reward that is computed from what was asked, or paid on top of it from other stake.
contract RewardTakenFromStakeTest is Base {
    address private operator = makeAddr("an operator");

    function setUp() public override {
        super.setUp();
        _stake(operator, OWN_STAKE);
        _stake(bob, OWN_STAKE);
    }

    function testFuzz_TheRewardIsPartOfWhatWasTaken(uint256 asked, uint256 cutBps) public {
        cutBps = bound(cutBps, 0, 2000);
        uint256 actual = _slash(operator, asked, cutBps);

        assertLe(actual, asked);
        assertLe(actual, OWN_STAKE);
        assertEq(vault.credited(reporter), actual * cutBps / 10_000);
        assertLe(vault.credited(reporter) * 5, actual);
        // What left the pool is what was credited, to the base unit.
        assertEq(vault.credited(reporter) + vault.credited(sink), OWN_STAKE - vault.slashable(operator));
    }

    function testFuzz_NoOtherPoolPaysForIt(uint256 asked) public {
        uint256 actual = _slash(operator, bound(asked, 1, type(uint256).max), 2000);
        if (actual * 2000 / 10_000 != 0) vault.collectSlashed(reporter);
        vault.collectSlashed(sink);

        assertEq(vault.slashable(bob), OWN_STAKE);
        assertEq(stakeToken.balanceOf(address(vault)), OWN_STAKE + vault.slashable(operator));
    }
}
