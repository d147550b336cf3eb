// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {TestToken} from "../../src/TestToken.sol";
import {OneTokenBase} from "../Base.t.sol";
import {DenyListToken} from "./tokens/DenyListToken.sol";

/// @notice Attack: a receiver on the token's deny list blocks everybody who is paid in the same call.
contract DenyListedReceiverTest is OneTokenBase {
    address private operator;

    function _createStakeToken() internal override returns (TestToken) {
        return new DenyListToken();
    }

    function setUp() public override {
        super.setUp();
        operator = _registerOperator("the operator");
        _delegate(alice, operator, OWN_STAKE);
    }

    function _deny(address account) private {
        DenyListToken(address(stakeToken)).deny(account);
    }

    function _expectDenied(address account) private {
        vm.expectRevert(abi.encodeWithSelector(DenyListToken.DenyListToken_Denied.selector, account));
    }

    function test_ASlashNeedsNoReceiver() public {
        _deny(sink);
        _deny(reporter);
        _deny(operator);

        assertEq(_slash(operator, OWN_STAKE, 1000), OWN_STAKE);

        assertEq(vault.slashable(operator), OWN_STAKE);
        _expectDenied(sink);
        vault.collectSlashed(sink);
        // What cannot be paid now is not lost.
        assertEq(vault.credited(sink), OWN_STAKE * 9 / 10);
    }

    function test_OneDelegatorOnTheListBlocksNobodyElse() public {
        _distribute(operator, 10 ether);
        uint256 denied = _thaw(alice, operator, _sharesOf(operator, alice));
        uint256 allowed = _thaw(operator, operator, _sharesOf(operator, operator));
        _deny(alice);
        _skip(THAW);

        _expectDenied(alice);
        _withdraw(alice, denied);

        assertEq(_withdraw(operator, allowed), OWN_STAKE);
        vm.prank(operator);
        assertApproxEqAbs(vault.claimRewards(operator), 5 ether, 1);
    }
}
