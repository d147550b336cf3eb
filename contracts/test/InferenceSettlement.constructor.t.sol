// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {InferenceSettlement} from "../src/InferenceSettlement.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {IPriceOracle} from "../src/interfaces/IPriceOracle.sol";
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
        vm.expectEmit();
        emit IInferenceSettlement.CoverageConfigured(address(priceOracle), _coverageTerms());
        InferenceSettlement created = this.create(_configuration());
        assertEq(created.authority(), address(accessManager));
        assertEq(created.FEE_TOKEN(), address(feeToken));
        assertEq(address(created.OPERATOR_REGISTRY()), address(operatorRegistry));
        assertEq(address(created.MODEL_REGISTRY()), address(modelRegistry));
        assertEq(address(created.STAKE_VAULT()), address(vault));
        assertEq(address(created.PRICE_ORACLE()), address(priceOracle));
        assertEq(abi.encode(created.coverageTerms()), abi.encode(_coverageTerms()));
        assertEq(created.RESERVE(), reserve);
        assertEq(created.BURN(), BURN);
        assertEq(created.PROTOCOL_FEE_BPS(), PROTOCOL_FEE_BPS);
        assertEq(created.EXIT_DELAY(), EXIT_DELAY);
        assertEq(created.EPOCH_DURATION(), EPOCH);
        assertEq(created.MAX_VOUCHERS(), 256);
        assertEq(created.MAX_CUT_BPS(), 2000);
        assertEq(created.MAX_PAUSE(), 7 days);
        assertEq(created.PAUSE_COOLDOWN(), 30 days);
        assertEq(created.batchCount(), 0);
    }

    function test_RevertWhen_AnAddressIsZero() public {
        bytes memory zeroAddress = abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_ZeroAddress.selector);
        InferenceSettlement.Configuration memory configuration = _configuration();
        vm.expectRevert(zeroAddress);
        this.create(IERC20(address(0)), operatorRegistry, modelRegistry, vault, priceOracle, configuration);
        vm.expectRevert(zeroAddress);
        this.create(feeToken, IOperatorRegistry(address(0)), modelRegistry, vault, priceOracle, configuration);
        vm.expectRevert(zeroAddress);
        this.create(feeToken, operatorRegistry, IModelRegistry(address(0)), vault, priceOracle, configuration);
        vm.expectRevert(zeroAddress);
        this.create(feeToken, operatorRegistry, modelRegistry, IStakeVault(address(0)), priceOracle, configuration);
        configuration.reserve = address(0);
        vm.expectRevert(zeroAddress);
        this.create(configuration);
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
        this.create(feeToken, operatorRegistry, modelRegistry, other, priceOracle, _configuration());
    }

    function test_RevertWhen_TwoTokensHaveNoPrice() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_PriceOracleMismatch.selector, address(0), false
            )
        );
        this.create(feeToken, operatorRegistry, modelRegistry, vault, IPriceOracle(address(0)), _configuration());
    }

    function test_RevertWhen_OneTokenHasAPrice() public {
        StakeVault oneToken =
            new StakeVault(address(accessManager), feeToken, feeToken, sink, FLOOR, MIN_DEPOSIT, _durations());
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_PriceOracleMismatch.selector, address(priceOracle), true
            )
        );
        this.create(feeToken, operatorRegistry, modelRegistry, oneToken, priceOracle, _configuration());
        this.create(feeToken, operatorRegistry, modelRegistry, oneToken, IPriceOracle(address(0)), _configuration());
    }

    /// @dev Terms under which cheating could pay, or that make no sense, cannot be deployed.
    function test_RevertWhen_TheTermsOfCoverageAreUnsafe() public {
        InferenceSettlement.Configuration memory configuration = _configuration();
        configuration.coverage.utilisationBps = 7941;
        this.create(configuration);
        configuration.coverage.utilisationBps = 7942;
        _expectUnsafe(configuration);
        configuration.coverage.utilisationBps = 0;
        _expectUnsafe(configuration);
        configuration = _configuration();
        configuration.coverage.betaBps = 10_000;
        _expectUnsafe(configuration);
        configuration = _configuration();
        configuration.coverage.penaltyBps = 10_001;
        _expectUnsafe(configuration);
        configuration = _configuration();
        configuration.coverage.haircutBps = 10_001;
        _expectUnsafe(configuration);
        configuration = _configuration();
        configuration.coverage.correlationBps = 10_001;
        _expectUnsafe(configuration);
    }

    function test_RevertWhen_TheProtocolFeeIsTooHigh() public {
        InferenceSettlement.Configuration memory configuration = _configuration();
        configuration.protocolFeeBps = 2000;
        assertEq(this.create(configuration).PROTOCOL_FEE_BPS(), 2000);
        configuration.protocolFeeBps = 2001;
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_ProtocolFeeTooHigh.selector, uint16(2001), uint16(2000)
            )
        );
        this.create(configuration);
    }

    function test_RevertWhen_TheExitDelayIsOutOfRange() public {
        InferenceSettlement.Configuration memory configuration = _configuration();
        configuration.exitDelay = 0;
        _expectDurationOutOfRange(0, 90 days);
        this.create(configuration);
        configuration.exitDelay = 90 days + 1;
        _expectDurationOutOfRange(90 days + 1, 90 days);
        this.create(configuration);
        configuration.exitDelay = 90 days;
        assertEq(this.create(configuration).EXIT_DELAY(), 90 days);
    }

    function test_RevertWhen_TheEpochIsOutOfRange() public {
        InferenceSettlement.Configuration memory configuration = _configuration();
        configuration.epochDuration = 0;
        _expectDurationOutOfRange(0, 30 days);
        this.create(configuration);
        configuration.epochDuration = 30 days + 1;
        _expectDurationOutOfRange(30 days + 1, 30 days);
        this.create(configuration);
        configuration.epochDuration = 30 days;
        assertEq(this.create(configuration).EPOCH_DURATION(), 30 days);
    }

    function _expectUnsafe(InferenceSettlement.Configuration memory configuration) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_UnsafeCoverage.selector, configuration.coverage
            )
        );
        this.create(configuration);
    }

    function _expectDurationOutOfRange(uint64 duration, uint64 max) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_DurationOutOfRange.selector, duration, uint64(1), max
            )
        );
    }

    function create(InferenceSettlement.Configuration memory configuration) external returns (InferenceSettlement) {
        return create(feeToken, operatorRegistry, modelRegistry, vault, priceOracle, configuration);
    }

    function create(
        IERC20 feeToken_,
        IOperatorRegistry operatorRegistry_,
        IModelRegistry modelRegistry_,
        IStakeVault vault_,
        IPriceOracle priceOracle_,
        InferenceSettlement.Configuration memory configuration
    ) public returns (InferenceSettlement) {
        return new InferenceSettlement(
            address(accessManager), feeToken_, operatorRegistry_, modelRegistry_, vault_, priceOracle_, configuration
        );
    }
}
