// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {InferenceSettlement} from "../../src/InferenceSettlement.sol";
import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "../SettlementBase.t.sol";

/// @notice Attack: settle a voucher on another chain, on the other side of a fork or at another deployment.
contract CrossChainReplayTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
    }

    function test_AVoucherOfAnotherChainIsUnpaid() public {
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
    function test_AVoucherOfTheOtherSideOfAForkIsUnpaid() public {
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

    function test_AVoucherOfAnotherDeploymentIsUnpaid() public {
        IInferenceSettlement.Voucher memory voucher = _owed(10 ether, 10);
        bytes memory signature = _signVoucher(voucher, payer);
        settlement = new InferenceSettlement(
            address(accessManager), feeToken, operatorRegistry, modelRegistry, vault, priceOracle, _configuration()
        );
        _deposit(payer.addr, operator, 100 ether);
        _expectUnpaid(voucher, signature);
    }
}
