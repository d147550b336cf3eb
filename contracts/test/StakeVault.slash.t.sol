// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {Base} from "./Base.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

/// @notice `slash` and `collectSlashed`.
contract StakeVaultSlashTest is Base {
    address private operator = makeAddr("an operator");

    function setUp() public override {
        super.setUp();
        _stake(operator, OWN_STAKE);
        _delegate(alice, operator, OWN_STAKE);
    }

    function testFuzz_ItTakesFromTheWholePoolProRata(uint256 thawing, uint256 amount, uint256 cutBps) public {
        thawing = bound(thawing, 0, OWN_STAKE);
        amount = bound(amount, 1, 2 * OWN_STAKE - 1 ether);
        cutBps = bound(cutBps, 0, vault.MAX_CUT_BPS());
        if (thawing != 0) _thaw(alice, operator, thawing * 1e6);
        uint256 fromThawing = amount * thawing / (2 * OWN_STAKE);
        uint256 cut = amount * cutBps / 10_000;

        vm.expectEmit(address(vault));
        emit IStakeVault.Slashed(operator, reporter, amount - fromThawing, fromThawing, cut);
        assertEq(_slash(operator, amount, cutBps), amount);

        IStakeVault.Pool memory pool = vault.pool(operator);
        assertEq(pool.assets, 2 * OWN_STAKE - thawing - (amount - fromThawing));
        assertEq(pool.thawAssets, thawing - fromThawing);
        assertEq(pool.shares, (2 * OWN_STAKE - thawing) * 1e6);
        assertEq(pool.thawShares, thawing);
        assertEq(vault.credited(reporter), cut);
        assertEq(vault.credited(sink), amount - cut);
        assertEq(vault.slashable(operator), 2 * OWN_STAKE - amount);
    }

    function test_OperatorAndDelegatorsLoseAlike() public {
        _slash(operator, OWN_STAKE, 0);

        assertEq(vault.stakeOf(operator, operator), OWN_STAKE / 2);
        assertEq(vault.stakeOf(operator, alice), OWN_STAKE / 2);
    }

    /// @dev It never reverts for size: whoever must be slashed for more than there is, is slashed for what there is.
    function testFuzz_ItSaturates(uint256 amount) public {
        amount = bound(amount, 2 * OWN_STAKE, type(uint256).max);
        _thaw(alice, operator, _sharesOf(operator, alice));

        assertEq(_slash(operator, amount, 2000), 2 * OWN_STAKE);

        assertEq(vault.slashable(operator), 0);
        assertEq(vault.credited(reporter) + vault.credited(sink), 2 * OWN_STAKE);
    }

    function testFuzz_SlashingAnEmptyPoolTakesNothing(uint256 amount) public {
        vm.recordLogs();
        assertEq(_slash(attacker, amount, 2000), 0);
        assertEq(_slash(operator, 0, 2000), 0);
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_APoolThatIsWipedOutStartsAnew() public {
        uint256 ticketId = _thaw(alice, operator, OWN_STAKE * 1e6 / 2);
        uint256 dust = 2 * OWN_STAKE / 1e6 - 1;

        vm.expectEmit(address(vault));
        emit IStakeVault.PoolReset(operator, 1, dust);
        _slash(operator, 2 * OWN_STAKE - dust, 1000);

        IStakeVault.Pool memory pool = vault.pool(operator);
        assertEq(pool.assets, 0);
        assertEq(pool.thawAssets, 0);
        assertEq(pool.shares, 0);
        assertEq(pool.thawShares, 0);
        assertEq(pool.generation, 1);
        assertEq(vault.credited(reporter) + vault.credited(sink), 2 * OWN_STAKE);
        assertEq(_sharesOf(operator, alice), 0);
        assertEq(vault.stakeOf(operator, operator), 0);
        assertFalse(vault.isBonded(operator));
        assertEq(vault.ticket(ticketId).generation, 0);
    }

    function test_APoolThatKeepsAMillionthGoesOn() public {
        uint256 left = 2 * OWN_STAKE / 1e6;
        _slash(operator, 2 * OWN_STAKE - left, 0);

        assertEq(vault.pool(operator).generation, 0);
        assertEq(vault.stakeOf(operator, alice), left / 2);
    }

    function test_ANewGenerationIsNotBurdenedByTheOld() public {
        _slash(operator, 2 * OWN_STAKE, 0);

        assertEq(_stake(operator, OWN_STAKE), OWN_STAKE * 1e6);
        assertEq(_delegate(bob, operator, 5 ether), 5 ether * 1e6);
        assertEq(vault.stakeOf(operator, operator), OWN_STAKE);
        assertEq(vault.stakeOf(operator, bob), 5 ether);
        assertEq(vault.stakeOf(operator, alice), 0);
        assertEq(_delegate(alice, operator, 5 ether), 5 ether * 1e6);
        assertEq(vault.stakeOf(operator, alice), 5 ether);
    }

    function test_WhatWasSlashedIsCollected() public {
        _slash(operator, OWN_STAKE, 1000);

        vm.expectEmit(address(vault));
        emit IStakeVault.SlashedStakeCollected(reporter, OWN_STAKE / 10);
        vm.prank(attacker);
        assertEq(vault.collectSlashed(reporter), OWN_STAKE / 10);
        assertEq(vault.collectSlashed(sink), OWN_STAKE * 9 / 10);

        assertEq(stakeToken.balanceOf(reporter), OWN_STAKE / 10);
        assertEq(stakeToken.balanceOf(sink), OWN_STAKE * 9 / 10);
        assertEq(stakeToken.balanceOf(address(vault)), OWN_STAKE);
        assertEq(vault.credited(reporter), 0);
    }

    function test_RevertWhen_NothingWasCredited() public {
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_NothingToClaim.selector, reporter));
        vault.collectSlashed(reporter);

        _slash(operator, OWN_STAKE, 1000);
        vault.collectSlashed(reporter);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_NothingToClaim.selector, reporter));
        vault.collectSlashed(reporter);
    }

    function testFuzz_RevertWhen_TheCutIsTooHigh(uint256 cutBps) public {
        cutBps = bound(cutBps, 2001, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_CutTooHigh.selector, cutBps, 2000));
        _slash(operator, 1 ether, cutBps);
    }

    function test_RevertWhen_TheCallerIsNotTheSlasher() public {
        address[4] memory callers = [attacker, operator, admin, governor];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, callers[i]));
            vm.prank(callers[i]);
            vault.slash(operator, 1 ether, 0, attacker);
        }
    }
}
