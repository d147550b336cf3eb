// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {Base} from "./Base.t.sol";

contract StakeVaultWithdrawTest is Base {
    address private operator = makeAddr("an operator");

    function setUp() public override {
        super.setUp();
        _stake(operator, OWN_STAKE);
        _delegate(alice, operator, 100 ether);
    }

    function _ids(uint256 first, uint256 second) private pure returns (uint256[] memory ids) {
        ids = new uint256[](2);
        ids[0] = first;
        ids[1] = second;
    }

    function testFuzz_WhatThawedIsPaidWhenReady(uint256 assets, uint64 late) public {
        assets = bound(assets, 1, 100 ether);
        uint256 ticketId = _thaw(alice, operator, assets * 1e6);
        _skip(THAW + uint64(bound(late, 0, 1000 days)));

        vm.expectEmit(address(vault));
        emit IStakeVault.Withdrawn(operator, alice, ticketId, assets);
        assertEq(_withdraw(alice, ticketId), assets);

        assertEq(stakeToken.balanceOf(alice), assets);
        assertEq(vault.ticket(ticketId).owner, address(0));
        IStakeVault.Pool memory pool = vault.pool(operator);
        assertEq(pool.thawAssets, 0);
        assertEq(pool.thawShares, 0);
        assertEq(pool.assets, OWN_STAKE + 100 ether - assets);
    }

    function test_ManyTicketsOfManyPoolsArePaidAtOnce() public {
        _stake(bob, FLOOR);
        _delegate(alice, bob, 10 ether);
        uint256 first = _thaw(alice, operator, 3 ether * 1e6);
        uint256 second = _thaw(alice, bob, 4 ether * 1e6);
        _skip(THAW);

        vm.prank(alice);
        assertEq(vault.withdraw(_ids(first, second)), 7 ether);

        assertEq(stakeToken.balanceOf(alice), 7 ether);
    }

    function test_ASlashWhileThawingIsBorneByTheTicket() public {
        uint256 ticketId = _thaw(alice, operator, 100 ether * 1e6);
        _slash(operator, (OWN_STAKE + 100 ether) / 4, 0);
        _skip(THAW);

        assertEq(_withdraw(alice, ticketId), 75 ether);
    }

    /// @dev Ready is not gone: a ticket that is left in the vault is still at stake.
    function test_ASlashAfterReadinessIsBorneByTheTicketToo() public {
        uint256 ticketId = _thaw(alice, operator, 100 ether * 1e6);
        _skip(2 * THAW);
        _slash(operator, (OWN_STAKE + 100 ether) / 4, 0);

        assertEq(_withdraw(alice, ticketId), 75 ether);
    }

    function test_ATicketOfAWipedOutPoolPaysNothing() public {
        uint256 ticketId = _thaw(alice, operator, 100 ether * 1e6);
        _slash(operator, OWN_STAKE + 100 ether, 0);
        _stake(operator, OWN_STAKE);
        uint256 newer = _thaw(operator, operator, OWN_STAKE * 1e6);
        _skip(THAW);

        vm.expectEmit(address(vault));
        emit IStakeVault.Withdrawn(operator, alice, ticketId, 0);
        assertEq(_withdraw(alice, ticketId), 0);

        assertEq(_withdraw(operator, newer), OWN_STAKE);
    }

    function testFuzz_RevertWhen_ATicketIsNotReady(uint64 early) public {
        uint256 ticketId = _thaw(alice, operator, 1e6);
        uint64 readyAt = _now() + THAW;
        _skip(uint64(bound(early, 0, THAW - 1)));

        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_TicketNotReady.selector, ticketId, readyAt));
        _withdraw(alice, ticketId);
    }

    function test_RevertWhen_OneOfTheTicketsIsNotReady() public {
        uint256 first = _thaw(alice, operator, 1e6);
        _skip(1);
        uint256 second = _thaw(alice, operator, 1e6);
        uint64 readyAt = _now() + THAW;
        _skip(THAW - 1);

        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_TicketNotReady.selector, second, readyAt));
        vm.prank(alice);
        vault.withdraw(_ids(first, second));
    }

    function test_RevertWhen_ATicketIsSomebodyElses() public {
        uint256 ticketId = _thaw(alice, operator, 1e6);
        _skip(THAW);

        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_NotTicketOwner.selector, ticketId, attacker));
        _withdraw(attacker, ticketId);
    }

    function test_RevertWhen_ATicketIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_NotTicketOwner.selector, 77, alice));
        _withdraw(alice, 77);
    }

    function test_RevertWhen_ATicketIsPaidTwice() public {
        uint256 ticketId = _thaw(alice, operator, 1e6);
        _skip(THAW);
        bytes memory gone = abi.encodeWithSelector(IStakeVault.StakeVault_NotTicketOwner.selector, ticketId, alice);

        vm.expectRevert(gone);
        vm.prank(alice);
        vault.withdraw(_ids(ticketId, ticketId));

        _withdraw(alice, ticketId);
        vm.expectRevert(gone);
        _withdraw(alice, ticketId);
    }

    function test_RevertWhen_ThereAreTooManyTickets() public {
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_TooManyTickets.selector, 65, 64));
        vm.prank(alice);
        vault.withdraw(new uint256[](65));
    }

    function test_AsManyTicketsAsAreAllowedArePaid() public {
        uint256[] memory ids = new uint256[](64);
        for (uint256 i = 0; i < 64; ++i) {
            ids[i] = _thaw(alice, operator, 1 ether * 1e6);
        }
        _skip(THAW);

        vm.prank(alice);
        assertEq(vault.withdraw(ids), 64 ether);
    }
}
