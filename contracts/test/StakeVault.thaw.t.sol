// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {Base} from "./Base.t.sol";

contract StakeVaultThawTest is Base {
    address private operator = makeAddr("an operator");

    function setUp() public override {
        super.setUp();
        _stake(operator, OWN_STAKE);
    }

    function testFuzz_ThawingStakeStopsToCount(uint256 assets) public {
        assets = bound(assets, 1, OWN_STAKE);
        uint256 shares = assets * 1e6;

        vm.expectEmit(address(vault));
        emit IStakeVault.Thawed(operator, operator, 1, shares, assets, assets, _now() + THAW);
        uint256 ticketId = _thaw(operator, operator, shares);

        assertEq(ticketId, 1);
        IStakeVault.Ticket memory ticket = vault.ticket(ticketId);
        assertEq(ticket.owner, operator);
        assertEq(ticket.readyAt, _now() + THAW);
        assertEq(ticket.generation, 0);
        assertEq(ticket.operator, operator);
        assertEq(ticket.thawShares, assets);
        IStakeVault.Pool memory pool = vault.pool(operator);
        assertEq(pool.assets, OWN_STAKE - assets);
        assertEq(pool.thawAssets, assets);
        assertEq(pool.thawShares, assets);
        assertEq(vault.stakeOf(operator, operator), OWN_STAKE - assets);
        assertEq(vault.isBonded(operator), OWN_STAKE - assets >= FLOOR);
    }

    function test_ThawingStakeStaysSlashable() public {
        _thaw(operator, operator, _sharesOf(operator, operator));

        assertEq(vault.slashable(operator), OWN_STAKE);
        assertEq(_slash(operator, OWN_STAKE / 2, 0), OWN_STAKE / 2);
        assertEq(vault.pool(operator).thawAssets, OWN_STAKE / 2);
    }

    /// @dev Thaw shares are worth at most one base unit each: the price starts at one, and slashes only lower it.
    function testFuzz_AThawAfterASlashIsWorthItsAssets(uint256 first, uint256 slashed, uint256 second) public {
        _delegate(alice, operator, OWN_STAKE);
        first = bound(first, 1e6, OWN_STAKE * 1e6);
        _thaw(operator, operator, first);
        _slash(operator, bound(slashed, 0, 2 * OWN_STAKE - 1 ether), 0);
        IStakeVault.Pool memory before = vault.pool(operator);
        second = bound(second, 1e12, OWN_STAKE * 1e6);
        uint256 assets = second * before.assets / before.shares;
        vm.assume(assets != 0);

        uint256 ticketId = _thaw(alice, operator, second);

        IStakeVault.Pool memory pool = vault.pool(operator);
        assertEq(pool.thawAssets, before.thawAssets + assets);
        uint256 worth = vault.ticket(ticketId).thawShares * pool.thawAssets / pool.thawShares;
        assertLe(worth, assets);
        assertApproxEqAbs(worth, assets, 2);
    }

    function test_TicketsAreNumberedAcrossPools() public {
        _stake(alice, 5 ether);

        assertEq(_thaw(operator, operator, 1e6), 1);
        assertEq(_thaw(alice, alice, 1e6), 2);
        assertEq(_thaw(operator, operator, 1e6), 3);
        assertEq(vault.ticket(2).operator, alice);
    }

    function testFuzz_RevertWhen_ItIsMoreThanTheCallerHolds(uint256 shares) public {
        uint256 held = _sharesOf(operator, operator);
        shares = bound(shares, held + 1, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_InsufficientShares.selector, shares, held));
        _thaw(operator, operator, shares);

        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_InsufficientShares.selector, 1, 0));
        _thaw(attacker, operator, 1);
    }

    function testFuzz_RevertWhen_TheSharesAreWorthNothing(uint256 shares) public {
        shares = bound(shares, 0, 1e6 - 1);
        vm.expectRevert(IStakeVault.StakeVault_NothingToThaw.selector);
        _thaw(operator, operator, shares);
    }

    function test_RevertWhen_TheSharesWereWipedOut() public {
        _slash(operator, OWN_STAKE, 0);

        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_InsufficientShares.selector, 1e6, 0));
        _thaw(operator, operator, 1e6);
    }
}
