// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {TestToken} from "../../src/TestToken.sol";
import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {Base} from "../Base.t.sol";
import {DenyListToken} from "./tokens/DenyListToken.sol";

/// @notice Attack: an operator takes a payout address that the token denies, so that nobody can claim, announces a
///         commission of everything, and names a payout address that works once it binds.
contract HostageEarningsTest is Base {
    uint128 private constant FEE = 1000 ether;
    address private operator;
    address private denied = makeAddr("denied");

    function _createFeeToken(TestToken) internal override returns (TestToken) {
        return new DenyListToken();
    }

    function setUp() public override {
        super.setUp();
        operator = _registerOperator("the operator");
        _delegate(alice, operator, OWN_STAKE);
        DenyListToken(address(feeToken)).deny(denied);
        vm.prank(operator);
        operatorRegistry.changePayout(denied);
        _pay(operator, FEE);
        _skip(8 * EPOCH);
    }

    function test_StakersDoNotWaitForTheOperator() public {
        uint256 earned = settlement.earnings(operator).claimable;
        uint256 commission = earned * COMMISSION_BPS / 10_000;
        vm.prank(operator);
        operatorRegistry.announceCommission(10_000);

        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.EarningsClaimed(operator, denied, 0, earned - commission);
        vm.prank(alice);
        assertEq(settlement.claim(operator), earned - commission);

        assertApproxEqAbs(vault.position(operator, alice).rewards, (earned - commission) / 2, 1);
        assertEq(settlement.earnings(operator).claimable, commission);
        assertEq(feeToken.balanceOf(denied), 0);
    }

    /// @dev What the payout address could not take is not lost, but it is nothing to speculate with either.
    function test_WhatItCouldNotTakeIsSharedOutAgain() public {
        uint256 earned = settlement.earnings(operator).claimable;
        uint256 first = settlement.claim(operator);
        vm.prank(operator);
        operatorRegistry.changePayout(bob);

        assertEq(first + settlement.claim(operator), earned);

        uint256 left = earned - first;
        assertEq(feeToken.balanceOf(bob), left * COMMISSION_BPS / 10_000);
        assertEq(feeToken.balanceOf(address(vault)), earned - left * COMMISSION_BPS / 10_000);
    }

    /// @dev With nobody to share with, nobody is kept waiting, and the claim says what is wrong.
    function test_RevertWhen_OnlyTheOperatorWaits() public {
        _thaw(alice, operator, _sharesOf(operator, alice));
        _thaw(operator, operator, _sharesOf(operator, operator));

        vm.expectRevert(abi.encodeWithSelector(DenyListToken.DenyListToken_Denied.selector, denied));
        settlement.claim(operator);
    }
}
