// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {Base} from "./Base.t.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

contract StakeVaultStakeTest is Base {
    address private operator = makeAddr("an operator");

    function testFuzz_TheFirstStakeMintsAMillionSharesForABaseUnit(uint128 assets) public {
        assets = uint128(bound(assets, MIN_DEPOSIT, stakeToken.MAX_MINT()));
        _fund(stakeToken, operator, address(vault), assets);

        vm.expectEmit(address(vault));
        emit IStakeVault.Staked(operator, operator, assets, uint256(assets) * 1e6);
        vm.prank(operator);
        uint256 shares = vault.stake(assets);

        assertEq(shares, uint256(assets) * 1e6);
        IStakeVault.Pool memory pool = vault.pool(operator);
        assertEq(pool.assets, assets);
        assertEq(pool.thawAssets, 0);
        assertEq(pool.shares, shares);
        assertEq(pool.thawShares, 0);
        assertEq(pool.generation, 0);
        assertEq(vault.stakeOf(operator, operator), assets);
        assertEq(vault.slashable(operator), assets);
        assertEq(stakeToken.balanceOf(address(vault)), assets);
        assertEq(stakeToken.balanceOf(operator), 0);
    }

    function testFuzz_AnOperatorIsBondedAtTheFloor(uint256 assets) public {
        assertFalse(vault.isBonded(operator));
        assets = bound(assets, MIN_DEPOSIT, 2 * FLOOR);

        _stake(operator, assets);

        assertEq(vault.isBonded(operator), assets >= FLOOR);
    }

    function testFuzz_StakesAddUp(uint256 first, uint256 second) public {
        first = bound(first, MIN_DEPOSIT, 1e9 ether);
        second = bound(second, MIN_DEPOSIT, 1e9 ether);

        uint256 shares = _stake(operator, first) + _stake(operator, second);

        assertEq(_sharesOf(operator, operator), shares);
        assertEq(vault.stakeOf(operator, operator), first + second);
    }

    function test_PoolsAreApart() public {
        _stake(operator, 5 ether);
        _stake(alice, 7 ether);

        assertEq(vault.pool(operator).assets, 5 ether);
        assertEq(vault.pool(alice).assets, 7 ether);
        assertEq(vault.stakeOf(operator, alice), 0);
    }

    /// @dev Shares of a slashed pool are cheaper; they are worth what was paid for them.
    function testFuzz_StakeAddedAfterASlashIsWorthWhatWasPaid(uint256 slashed, uint256 assets) public {
        _stake(operator, OWN_STAKE);
        slashed = bound(slashed, 0, OWN_STAKE - 1 ether);
        assets = bound(assets, MIN_DEPOSIT, 1e9 ether);
        _slash(operator, slashed, 0);

        _stake(operator, assets);

        assertApproxEqAbs(vault.stakeOf(operator, operator), OWN_STAKE - slashed + assets, 1);
    }

    function testFuzz_RevertWhen_ItIsLessThanTheSmallestDeposit(uint256 assets) public {
        assets = bound(assets, 0, MIN_DEPOSIT - 1);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_BelowMinDeposit.selector, assets, MIN_DEPOSIT));
        vm.prank(operator);
        vault.stake(assets);
    }

    function test_RevertWhen_NothingWasApproved() public {
        stakeToken.mint(operator, 1 ether);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(vault), 0, 1 ether)
        );
        vm.prank(operator);
        vault.stake(1 ether);
    }
}
