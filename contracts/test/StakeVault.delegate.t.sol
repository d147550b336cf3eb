// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {Base} from "./Base.t.sol";

contract StakeVaultDelegateTest is Base {
    address private operator = makeAddr("an operator");

    function setUp() public override {
        super.setUp();
        _stake(operator, OWN_STAKE);
    }

    function testFuzz_ADelegatorSharesThePool(uint256 assets) public {
        assets = bound(assets, MIN_DEPOSIT, 1e9 ether);
        _fund(stakeToken, alice, address(vault), assets);

        vm.expectEmit(address(vault));
        emit IStakeVault.Staked(operator, alice, assets, assets * 1e6);
        vm.prank(alice);
        uint256 shares = vault.delegate(operator, assets, assets * 1e6);

        assertEq(shares, assets * 1e6);
        assertEq(_sharesOf(operator, alice), shares);
        assertEq(vault.stakeOf(operator, alice), assets);
        assertEq(vault.stakeOf(operator, operator), OWN_STAKE);
        assertEq(vault.pool(operator).assets, OWN_STAKE + assets);
        assertEq(vault.pool(operator).shares, _sharesOf(operator, operator) + shares);
        assertEq(vault.slashable(operator), OWN_STAKE + assets);
    }

    function testFuzz_NobodyElsesStakeChanges(uint256 slashed, uint256 first, uint256 second) public {
        first = bound(first, MIN_DEPOSIT, 1e9 ether);
        second = bound(second, MIN_DEPOSIT, 1e9 ether);
        uint256 poolAssets = OWN_STAKE + first;
        _delegate(alice, operator, first);
        _slash(operator, bound(slashed, 0, poolAssets / 2 - 1), 0);
        uint256 before = vault.stakeOf(operator, alice);
        // Keeps the operator at the floor, whatever the slash took.
        _stake(operator, OWN_STAKE);

        _delegate(bob, operator, second);

        // At most the rounding of one division; never less than before.
        assertGe(vault.stakeOf(operator, alice), before);
        assertApproxEqAbs(vault.stakeOf(operator, alice), before, 2);
        assertApproxEqAbs(vault.stakeOf(operator, bob), second, 1);
    }

    /// @dev Its own delegation is own stake: there is one holding for each account.
    function test_AnOperatorsDelegationToItselfIsOwnStake() public {
        _delegate(operator, operator, 5 ether);

        assertEq(vault.stakeOf(operator, operator), OWN_STAKE + 5 ether);
    }

    function test_RevertWhen_ASlashCameFirst() public {
        _slash(operator, OWN_STAKE / 4, 0);
        uint256 expected = 1 ether * 1e6;
        // A quarter less stake behind as many shares: more shares for the same assets.
        uint256 minted = (1 ether * (OWN_STAKE * 1e6 + 1e6)) / (OWN_STAKE * 3 / 4 + 1);
        assertGt(minted, expected);
        _fund(stakeToken, alice, address(vault), 1 ether);

        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_TooFewShares.selector, minted, minted + 1));
        vm.prank(alice);
        vault.delegate(operator, 1 ether, minted + 1);
    }

    function test_RevertWhen_TheOperatorsOwnStakeIsBelowTheFloor() public {
        // Alice's stake does not stand in for the operator's.
        _delegate(alice, operator, 100 * FLOOR);
        _thaw(operator, operator, (OWN_STAKE - FLOOR) * 1e6 + 1e6);
        _fund(stakeToken, bob, address(vault), 1 ether);

        vm.expectRevert(
            abi.encodeWithSelector(IStakeVault.StakeVault_OperatorNotBonded.selector, operator, FLOOR - 1, FLOOR)
        );
        vm.prank(bob);
        vault.delegate(operator, 1 ether, 0);
    }

    function test_RevertWhen_ThereIsNoSuchPool() public {
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_OperatorNotBonded.selector, attacker, 0, FLOOR));
        vm.prank(alice);
        vault.delegate(attacker, 1 ether, 0);
    }

    function test_RevertWhen_ItIsLessThanTheSmallestDeposit() public {
        vm.expectRevert(
            abi.encodeWithSelector(IStakeVault.StakeVault_BelowMinDeposit.selector, MIN_DEPOSIT - 1, MIN_DEPOSIT)
        );
        vm.prank(alice);
        vault.delegate(operator, MIN_DEPOSIT - 1, 0);
    }
}
