// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ReserveBase} from "../ReserveBase.t.sol";

/// @notice Attack: one operator registers as several, to be paid several wages.
contract SplitIdentitiesTest is ReserveBase {
    uint256 private constant STAKE = 8 * FLOOR;

    function _registerParts(uint256 parts, uint256 stake) private {
        for (uint256 i = 0; i < parts; ++i) {
            address part = makeAddr(string.concat("part ", vm.toString(i)));
            _stake(part, stake);
            _register(part, makeAccount(string.concat("key of part ", vm.toString(i))));
            _declare(part, "the attacker's");
        }
    }

    /// @dev What the attacker gets with its stake in equal parts, and what the period released.
    function _paidTo(uint256 parts, uint256 endowment) private returns (uint256 paid, uint256 release) {
        uint256 snapshot = vm.snapshotState();
        _registerParts(parts, STAKE / parts);
        _endow(endowment);
        _reward(PERIOD);
        for (uint256 i = OPERATORS; i < OPERATORS + parts; ++i) {
            paid += rewardReserve.claim(PERIOD, operators[i]);
        }
        release = _releaseOf(PERIOD);
        vm.revertToState(snapshot);
        // They live in the test's storage, and revert with it.
        assertEq(operators.length, OPERATORS);
    }

    function test_EightOperatorsArePaidNoMoreThanOneOfTheirStake() public {
        (uint256 whole, uint256 release) = _paidTo(1, PLENTY);
        assertEq(release, DAILY_WAGES + 8 * 24 ether, "wages of its stake are asked for");
        for (uint256 parts = 2; parts <= 8; parts *= 2) {
            (uint256 split, uint256 splitRelease) = _paidTo(parts, PLENTY);
            assertLe(split, whole);
            assertEq(splitRelease, release, "and no more when there are more of it");
        }
    }

    function test_NorFromAPoorReserve() public {
        (uint256 whole, uint256 release) = _paidTo(1, 1000 ether);
        (uint256 split, uint256 splitRelease) = _paidTo(8, 1000 ether);
        assertLe(split, whole);
        assertEq(splitRelease, release);
    }
}
