// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "../SettlementBase.t.sol";

/// @notice Attack: revoke a session key in front of the settlement of what it signed.
contract RevocationRaceTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
    }

    /// @dev A revocation that comes just before a settlement does not make the work done worthless.
    function test_ARevocationGivesNotice() public {
        _authorize(payer, sessionKey, _now() + 365 days);
        IInferenceSettlement.Voucher memory voucher = _owed(10 ether, 10);
        bytes memory signature = _signVoucher(voucher, sessionKey);
        vm.prank(payer.addr);
        settlement.revokeSigner(sessionKey.addr);
        _add(voucher, signature);
        _settleBatch();
        assertEq(_channel().settled, 10 ether);

        _skip(EXIT_DELAY);
        voucher = _owed(20 ether, 20);
        _add(voucher, _signVoucher(voucher, sessionKey));
        _settleBatch();
        assertEq(_channel().settled, 20 ether);

        _skip(1);
        voucher = _owed(30 ether, 30);
        _expectUnpaid(voucher, _signVoucher(voucher, sessionKey));
    }
}
