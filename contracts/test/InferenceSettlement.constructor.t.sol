// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {InferenceSettlement} from "../src/InferenceSettlement.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {Base} from "./Base.t.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

contract InferenceSettlementConstructorTest is Base {
    function test_ItSaysHowItIsConfigured() public {
        vm.expectEmit();
        emit IInferenceSettlement.InferenceSettlementConfigured(
            address(feeToken),
            address(operatorRegistry),
            address(modelRegistry),
            address(vault),
            reserve,
            PROTOCOL_FEE_BPS,
            EXIT_DELAY,
            EPOCH
        );
        InferenceSettlement created = _create(_configuration());
        assertEq(created.authority(), address(accessManager));
        assertEq(created.FEE_TOKEN(), address(feeToken));
        assertEq(address(created.OPERATOR_REGISTRY()), address(operatorRegistry));
        assertEq(address(created.MODEL_REGISTRY()), address(modelRegistry));
        assertEq(address(created.STAKE_VAULT()), address(vault));
        assertEq(created.RESERVE(), reserve);
        assertEq(created.PROTOCOL_FEE_BPS(), PROTOCOL_FEE_BPS);
        assertEq(created.EXIT_DELAY(), EXIT_DELAY);
        assertEq(created.EPOCH_DURATION(), EPOCH);
        assertEq(created.MAX_VOUCHERS(), 256);
        assertEq(created.MAX_CUT_BPS(), 2000);
        assertEq(created.batchCount(), 0);
    }

    function test_RevertWhen_AnAddressIsZero() public {
        bytes memory zeroAddress = abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_ZeroAddress.selector);
        InferenceSettlement.Configuration memory configuration = _configuration();
        vm.expectRevert(zeroAddress);
        _create(IERC20(address(0)), operatorRegistry, modelRegistry, vault, configuration);
        vm.expectRevert(zeroAddress);
        _create(feeToken, IOperatorRegistry(address(0)), modelRegistry, vault, configuration);
        vm.expectRevert(zeroAddress);
        _create(feeToken, operatorRegistry, IModelRegistry(address(0)), vault, configuration);
        vm.expectRevert(zeroAddress);
        _create(feeToken, operatorRegistry, modelRegistry, IStakeVault(address(0)), configuration);
        configuration.reserve = address(0);
        vm.expectRevert(zeroAddress);
        _create(configuration);
    }

    /// @dev Fees that cannot be distributed by the vault would be stuck in the first claim.
    function test_RevertWhen_TheVaultDistributesAnotherToken() public {
        StakeVault other =
            new StakeVault(address(accessManager), stakeToken, stakeToken, sink, FLOOR, MIN_DEPOSIT, _durations());
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_FeeTokenMismatch.selector,
                address(feeToken),
                address(stakeToken)
            )
        );
        _create(feeToken, operatorRegistry, modelRegistry, other, _configuration());
    }

    function test_RevertWhen_TheProtocolFeeIsTooHigh() public {
        InferenceSettlement.Configuration memory configuration = _configuration();
        configuration.protocolFeeBps = 2000;
        assertEq(_create(configuration).PROTOCOL_FEE_BPS(), 2000);
        configuration.protocolFeeBps = 2001;
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_ProtocolFeeTooHigh.selector, uint16(2001), uint16(2000)
            )
        );
        _create(configuration);
    }

    function test_RevertWhen_TheExitDelayIsOutOfRange() public {
        InferenceSettlement.Configuration memory configuration = _configuration();
        configuration.exitDelay = 0;
        _expectDurationOutOfRange(0, 90 days);
        _create(configuration);
        configuration.exitDelay = 90 days + 1;
        _expectDurationOutOfRange(90 days + 1, 90 days);
        _create(configuration);
        configuration.exitDelay = 90 days;
        assertEq(_create(configuration).EXIT_DELAY(), 90 days);
    }

    function test_RevertWhen_TheEpochIsOutOfRange() public {
        InferenceSettlement.Configuration memory configuration = _configuration();
        configuration.epochDuration = 0;
        _expectDurationOutOfRange(0, 30 days);
        _create(configuration);
        configuration.epochDuration = 30 days + 1;
        _expectDurationOutOfRange(30 days + 1, 30 days);
        _create(configuration);
        configuration.epochDuration = 30 days;
        assertEq(_create(configuration).EPOCH_DURATION(), 30 days);
    }

    function _expectDurationOutOfRange(uint64 duration, uint64 max) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_DurationOutOfRange.selector, duration, uint64(1), max
            )
        );
    }

    function _create(InferenceSettlement.Configuration memory configuration) private returns (InferenceSettlement) {
        return _create(feeToken, operatorRegistry, modelRegistry, vault, configuration);
    }

    function _create(
        IERC20 feeToken_,
        IOperatorRegistry operatorRegistry_,
        IModelRegistry modelRegistry_,
        IStakeVault vault_,
        InferenceSettlement.Configuration memory configuration
    ) private returns (InferenceSettlement) {
        return new InferenceSettlement(
            address(accessManager), feeToken_, operatorRegistry_, modelRegistry_, vault_, configuration
        );
    }
}
