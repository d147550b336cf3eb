// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Base} from "./Base.t.sol";

/// @notice `collateral`, `totalAssets` and `totalThawing`.
contract StakeVaultCollateralTest is Base {
    address private operator = makeAddr("an operator");

    function setUp() public override {
        super.setUp();
        _stake(operator, OWN_STAKE);
    }

    function test_OwnStakeAndDelegationsCount() public {
        assertEq(vault.collateral(operator), OWN_STAKE);
        _delegate(alice, operator, 3 * OWN_STAKE);
        assertEq(vault.collateral(operator), 4 * OWN_STAKE);
    }

    function test_DelegationsCountUpToTwentyTimesOwnStake() public {
        assertEq(vault.MAX_DELEGATION_RATIO(), 20);
        _delegate(alice, operator, 20 * OWN_STAKE);
        assertEq(vault.collateral(operator), 21 * OWN_STAKE);
        _delegate(bob, operator, 5 ether);
        assertEq(vault.collateral(operator), 21 * OWN_STAKE);
        _stake(operator, 1 ether);
        assertEq(vault.collateral(operator), 21 * OWN_STAKE + 6 ether);
    }

    /// @dev Who brings less than the floor answers for nothing, whatever others bring.
    function test_BelowTheFloorNothingCounts() public {
        _delegate(alice, operator, OWN_STAKE);
        _thaw(operator, operator, (OWN_STAKE - FLOOR) * 1e6);
        assertEq(vault.collateral(operator), FLOOR + OWN_STAKE);
        _thaw(operator, operator, 1e6);
        assertEq(vault.collateral(operator), 0);
        assertEq(vault.collateral(attacker), 0);
    }

    function test_ThawingStakeDoesNotCount() public {
        _delegate(alice, operator, OWN_STAKE);
        _thaw(alice, operator, OWN_STAKE * 1e6 / 2);
        assertEq(vault.collateral(operator), OWN_STAKE * 3 / 2);
        assertEq(vault.slashable(operator), 2 * OWN_STAKE);
    }

    function testFuzz_ItIsNeverMoreThanActiveStake(uint256 own, uint256 delegated, uint256 slashed) public {
        own = bound(own, MIN_DEPOSIT, 1e6 ether);
        delegated = bound(delegated, MIN_DEPOSIT, 1e9 ether);
        _stake(operator, own);
        _delegate(alice, operator, delegated);
        _slash(operator, bound(slashed, 0, vault.slashable(operator)), 0);
        own = vault.stakeOf(operator, operator);
        uint256 collateral = vault.collateral(operator);
        assertLe(collateral, vault.pool(operator).assets);
        assertLe(collateral, 21 * own);
        if (own < FLOOR) assertEq(collateral, 0);
        else assertTrue(collateral == vault.pool(operator).assets || collateral == 21 * own);
    }

    function test_TotalsFollowStakeThroughItsLife() public {
        address other = makeAddr("another operator");
        _stake(other, OWN_STAKE);
        _delegate(alice, operator, 500 ether);
        _assertTotals(2 * OWN_STAKE + 500 ether, 0);

        uint256 ticketId = _thaw(alice, operator, 300 ether * 1e6);
        _assertTotals(2 * OWN_STAKE + 200 ether, 300 ether);

        _skip(THAW);
        _withdraw(alice, ticketId);
        _assertTotals(2 * OWN_STAKE + 200 ether, 0);

        _thaw(operator, operator, 1100 ether * 1e6);
        _slash(operator, 220 ether, 1000);
        _assertTotals(OWN_STAKE + 990 ether, 990 ether);
    }

    function test_TotalsForgetAPoolThatIsWipedOut() public {
        address other = makeAddr("another operator");
        _stake(other, OWN_STAKE);
        uint256 ticketId = _thaw(operator, operator, OWN_STAKE * 1e6 / 2);
        _slash(operator, OWN_STAKE - 1, 0);
        assertEq(vault.pool(operator).generation, 1);
        _assertTotals(OWN_STAKE, 0);

        _skip(THAW);
        _withdraw(operator, ticketId);
        _assertTotals(OWN_STAKE, 0);
    }

    function _assertTotals(uint256 active, uint256 thawing) private view {
        assertEq(vault.totalAssets(), active, "active");
        assertEq(vault.totalThawing(), thawing, "thawing");
    }
}
