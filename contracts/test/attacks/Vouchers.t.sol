// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {InferenceSettlement} from "../../src/InferenceSettlement.sol";
import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "../SettlementBase.t.sol";

/// @notice Attempts to make a signature say what its maker did not.
contract VoucherAttacks is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
        _deposit(secondPayer.addr, operator, 100 ether);
    }

    /// @dev Nobody gets a key that is bound to somebody else, before or after its time; what it signs is its payer's.
    function test_SignerReboundToASecondPayer() public {
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

    /// @dev Whichever field is changed after signing, the voucher is nobody's.
    function testFuzz_UnsignedFieldInAnEip712Struct(uint256 field, uint256 change) public {
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

    function test_CrossChainReplay() public {
        IInferenceSettlement.Voucher memory voucher = _owed(10 ether, 10);
        bytes memory signature = _signVoucher(voucher, payer);
        uint256 home = block.chainid;
        vm.chainId(home + 1);
        _expectUnpaid(voucher, signature);
        vm.chainId(home);
        _add(voucher, signature);
        _settleBatch();
        assertEq(_channel().settled, 10 ether);
    }

    /// @dev After a fork both chains have the contract at one address: the chain id alone tells them apart, and it must be
    ///      read anew at each call rather than once at deployment.
    function test_ForkReplay() public {
        vm.chainId(4242);
        IInferenceSettlement.Voucher memory voucher = _owed(10 ether, 10);
        bytes memory signature = _signVoucher(voucher, payer);
        _add(voucher, signature);
        _settleBatch();
        assertEq(_channel().settled, 10 ether);
        voucher = _owed(20 ether, 20);
        signature = _signVoucher(voucher, payer);
        vm.chainId(31_337);
        _expectUnpaid(voucher, signature);
    }

    function test_ReplayAtASecondDeployment() public {
        IInferenceSettlement.Voucher memory voucher = _owed(10 ether, 10);
        bytes memory signature = _signVoucher(voucher, payer);
        settlement = new InferenceSettlement(
            address(accessManager), feeToken, operatorRegistry, modelRegistry, vault, _configuration()
        );
        _deposit(payer.addr, operator, 100 ether);
        _expectUnpaid(voucher, signature);
    }

    /// @dev A revocation that comes just before a settlement does not make the work done worthless.
    function test_RevocationRace() public {
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

    function _expectUnpaid(IInferenceSettlement.Voucher memory voucher, bytes memory signature) private {
        uint128 settled = settlement.channel(voucher.payer, operator).settled;
        _add(voucher, signature);
        _expectSkip(voucher, IInferenceSettlement.SkipReason.InvalidSigner, voucher.cumulativeFee);
        _settleBatch();
        assertEq(settlement.channel(voucher.payer, operator).settled, settled);
    }
}
