// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Base} from "../Base.t.sol";

/// @notice Attack: slashes that leave next to nothing behind all the shares, until share numbers overflow and nobody can
///         stake or leave any more.
contract PostSlashShareExplosionTest is Base {
    address private operator = makeAddr("an operator");

    /// @dev Each round leaves little more than a millionth, which is as little as a generation survives.
    function test_APoolThatWasSlashedAlmostAwayStillWorks() public {
        for (uint256 round = 0; round < 8; ++round) {
            _stake(operator, FLOOR);
            uint256 left = vault.slashable(operator) / 1e6 + 1;
            _slash(operator, vault.slashable(operator) - left, 0);
            assertEq(vault.pool(operator).generation, 0);
        }
        _stake(operator, FLOOR);
        _delegate(alice, operator, 5 ether);
        assertApproxEqAbs(vault.stakeOf(operator, alice), 5 ether, 2);

        uint256 ticketId = _thaw(alice, operator, _sharesOf(operator, alice));
        _skip(THAW);

        assertApproxEqAbs(_withdraw(alice, ticketId), 5 ether, 2);
    }

    /// @dev A slash below a millionth starts a new generation, with the share price of a new pool.
    function testFuzz_ADustPoolStartsAnew(uint256 left) public {
        _stake(operator, OWN_STAKE);
        left = bound(left, 0, OWN_STAKE / 1e6 - 1);
        _slash(operator, OWN_STAKE - left, 0);

        assertEq(vault.pool(operator).generation, 1);
        assertEq(vault.credited(sink), OWN_STAKE);
        assertEq(_stake(operator, OWN_STAKE), OWN_STAKE * 1e6);
    }

    /// @dev A thaw pool that was slashed almost away takes new thaws at their worth.
    function testFuzz_AThawPoolThatWasSlashedAlmostAwayStillWorks(uint256 thawing) public {
        thawing = bound(thawing, 1e7, OWN_STAKE - FLOOR);
        _stake(operator, OWN_STAKE);
        _thaw(operator, operator, thawing * 1e6);
        _slash(operator, OWN_STAKE - OWN_STAKE / 1e6, 0);
        _stake(operator, OWN_STAKE);
        _delegate(alice, operator, 5 ether);

        uint256 ticketId = _thaw(alice, operator, _sharesOf(operator, alice));
        _skip(THAW);

        assertApproxEqAbs(_withdraw(alice, ticketId), 5 ether, 2);
    }
}
