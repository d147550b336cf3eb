// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "../SettlementBase.t.sol";

/// @notice Attack: bind a payer's session key to a second payer, so that one signature spends from both.
contract ReboundSignerTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
        _deposit(secondPayer.addr, operator, 100 ether);
    }

    /// @dev Nobody gets a key that is bound to somebody else, before or after its time; what it signs is its payer's.
    function test_AKeyStaysWithItsFirstPayerForEver() public {
        _authorize(payer, sessionKey, _now() + 1 days);
        bytes memory proof = _signSignerBinding(secondPayer.addr, sessionKey);
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IInferenceSettlement.InferenceSettlement_SignerBound.selector, sessionKey.addr, payer.addr
                )
            );
            vm.prank(secondPayer.addr);
            settlement.authorizeSigner(sessionKey.addr, _now() + 1 days, proof);
            vm.prank(payer.addr);
            settlement.revokeSigner(sessionKey.addr);
            _skip(365 days);
        }
        IInferenceSettlement.Voucher memory voucher = _voucher(secondPayer.addr, operator, 10 ether, 10);
        _expectUnpaid(voucher, _signVoucher(voucher, sessionKey));
    }
}
