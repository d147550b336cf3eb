// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Base} from "../Base.t.sol";

/// @notice Attack: an operator raises its commission over earnings that delegators earned under the old one.
contract CommissionSandwichTest is Base {
    uint64 private constant LOCKED_EPOCHS = 8;
    uint128 private constant FEE = 1000 ether;
    address private operator;

    function setUp() public override {
        super.setUp();
        operator = _registerOperator("the operator");
        _delegate(alice, operator, OWN_STAKE);
    }

    function _raise() private {
        vm.prank(operator);
        operatorRegistry.announceCommission(10_000);
    }

    /// @dev Whatever was earned when the announcement was made is released, and anybody can claim it, while the old
    ///      commission still binds.
    function testFuzz_WhatWasEarnedIsPaidUnderTheOldCommission(uint64 wait) public {
        _skip(uint64(bound(wait, 0, EPOCH)));
        _pay(operator, FEE);
        uint256 earned = settlement.earnings(operator).locked;
        _raise();
        _skip(LOCKED_EPOCHS * EPOCH);
        assertEq(settlement.earnings(operator).locked, 0);
        assertLt(LOCKED_EPOCHS * EPOCH, COMMISSION_DELAY);

        vm.prank(alice);
        settlement.claim(operator);

        assertEq(feeToken.balanceOf(operator), earned * COMMISSION_BPS / 10_000);
        uint256 rewards = vault.position(operator, alice).rewards;
        assertApproxEqAbs(rewards, (earned - earned * COMMISSION_BPS / 10_000) / 2, 1);
    }

    /// @dev Announcing, claiming and announcing back in one block moves nothing.
    function test_ThereIsNoRaiseWithinABlock() public {
        _pay(operator, FEE);
        uint256 earned = settlement.earnings(operator).locked;
        _skip(LOCKED_EPOCHS * EPOCH);
        _raise();
        vm.prank(operator);
        settlement.claim(operator);
        vm.prank(operator);
        operatorRegistry.announceCommission(COMMISSION_BPS);

        assertEq(feeToken.balanceOf(operator), earned * COMMISSION_BPS / 10_000);
    }

    /// @dev Who disagrees has its stake back when the new commission binds.
    function test_WhoDisagreesIsOutWhenItBinds() public {
        _raise();
        uint256 ticketId = _thaw(alice, operator, _sharesOf(operator, alice));
        _skip(COMMISSION_DELAY - 1);
        assertEq(operatorRegistry.commissionOf(operator), COMMISSION_BPS);
        _skip(1);

        assertEq(operatorRegistry.commissionOf(operator), 10_000);
        assertEq(_withdraw(alice, ticketId), OWN_STAKE);
    }
}
