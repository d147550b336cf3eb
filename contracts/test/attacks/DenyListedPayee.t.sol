// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {TestToken} from "../../src/TestToken.sol";
import {SettlementBase} from "../SettlementBase.t.sol";
import {DenyListToken} from "./tokens/DenyListToken.sol";

/// @notice Attack: be on the token's deny list where others wait for the same transaction.
contract DenyListedPayeeTest is SettlementBase {
    DenyListToken private _token;

    function _createFeeToken(TestToken) internal override returns (TestToken) {
        _token = new DenyListToken();
        return _token;
    }

    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
        _deposit(secondPayer.addr, operator, 100 ether);
    }

    /// @dev Everybody who is ever paid is denied, and still vouchers settle and faults are seized: nothing is pushed.
    function test_NothingIsPushedToADenyListedAccount() public {
        address[6] memory accounts = [payer.addr, operator, settler, publisher, reserve, reporter];
        for (uint256 i = 0; i < accounts.length; ++i) {
            _token.deny(accounts[i]);
        }
        _settleOne(_owed(50 ether, 50));
        vm.prank(address(slasher));
        assertEq(settlement.seize(_seizure(operator, 10 ether, 2000, reporter)), 10 ether);

        // Each waits for its own account alone; another payer leaves untouched.
        vm.prank(secondPayer.addr);
        settlement.startExit(operator);
        _mature();
        vm.prank(secondPayer.addr);
        assertEq(settlement.finishExit(operator), 100 ether);

        // Stakers get theirs; the operator's commission of a tenth waits, and is shared out with the next claim.
        assertEq(settlement.claim(operator), 32.4 ether);
        vm.prank(operator);
        operatorRegistry.changePayout(alice);
        assertEq(settlement.claim(operator), 3.6 ether);
        assertEq(feeToken.balanceOf(alice), 0.36 ether);

        vm.expectRevert(abi.encodeWithSelector(DenyListToken.DenyListToken_Denied.selector, publisher));
        settlement.claimRoyalties(modelId);
        vm.prank(publisher);
        modelRegistry.transferPublisher(modelId, bob);
        vm.prank(bob);
        modelRegistry.acceptPublisher(modelId);
        settlement.claimRoyalties(modelId);
        assertEq(feeToken.balanceOf(bob), 1.5 ether);
    }
}
