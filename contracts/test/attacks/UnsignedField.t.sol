// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "../SettlementBase.t.sol";

/// @notice Attack: change a field of a voucher that its signature does not cover.
contract UnsignedFieldTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
        _deposit(secondPayer.addr, operator, 100 ether);
    }

    /// @dev Whichever field is changed after signing, the voucher is nobody's.
    function testFuzz_EveryFieldIsSigned(uint256 field, uint256 change) public {
        IInferenceSettlement.Voucher memory voucher = _owed(10 ether, 10);
        bytes memory signature = _signVoucher(voucher, payer);
        bytes32 digest = settlement.voucherDigest(voucher);
        field = bound(field, 0, 4);
        change = bound(change, 1, type(uint64).max);
        // forge-lint: disable-start(unsafe-typecast)
        if (field == 0) voucher.payer = secondPayer.addr;
        else if (field == 1) voucher.operator = address(uint160(operator) ^ uint160(change));
        else if (field == 2) voucher.modelId ^= bytes32(change);
        else if (field == 3) voucher.cumulativeFee ^= uint128(change);
        else voucher.cumulativeUnits ^= uint64(change);
        // forge-lint: disable-end(unsafe-typecast)
        assertNotEq(settlement.voucherDigest(voucher), digest);
        if (field != 1) _expectUnpaid(voucher, signature);
    }
}
