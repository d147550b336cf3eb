// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {InferenceSettlement} from "../src/InferenceSettlement.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {TestToken} from "../src/TestToken.sol";
import {IRewardReserve} from "../src/interfaces/IRewardReserve.sol";
import {ReserveBase} from "./ReserveBase.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

contract RewardReserveBindTest is ReserveBase {
    function setUp() public override {
        super.setUp();
        rewardReserve = _unbound();
    }

    /// @dev A settlement of these tokens, whose reserve and protocol fee are as asked.
    function _settlementOf(address reserve_, uint16 protocolFeeBps, StakeVault vault_, TestToken feeToken_)
        private
        returns (InferenceSettlement)
    {
        InferenceSettlement.Configuration memory configuration = _configuration();
        (configuration.reserve, configuration.protocolFeeBps) = (reserve_, protocolFeeBps);
        return InferenceSettlement(
            _create(
                "InferenceSettlement",
                abi.encode(
                    accessManager,
                    feeToken_,
                    operatorRegistry,
                    modelRegistry,
                    vault_,
                    vault_.STAKE_TOKEN() == address(feeToken_) ? address(0) : address(priceOracle),
                    configuration
                )
            )
        );
    }

    function _bind(InferenceSettlement settlement_) private {
        vm.prank(admin);
        rewardReserve.bind(address(settlement_));
    }

    function test_TheNextPeriodIsTheFirstThatCanBePaid() public {
        InferenceSettlement other = _settlementOf(address(rewardReserve), 700, vault, feeToken);
        _warpTo(_periodStart(3) + 1);
        vm.expectEmit(address(rewardReserve));
        emit IRewardReserve.SettlementBound(address(other), 700, 4);
        _bind(other);

        assertEq(rewardReserve.inferenceSettlement(), address(other));
        assertEq(rewardReserve.nextPeriod(), 4);
    }

    function test_BeforeGenesisThatIsTheFirstOfAll() public {
        _bind(_settlementOf(address(rewardReserve), 500, vault, feeToken));
        assertEq(rewardReserve.nextPeriod(), 0);
        assertEq(rewardReserve.enrol(operators[0]), 0);
    }

    /// @dev Fees charged before are nobody's wages.
    function test_FeesChargedBeforeDoNotCount() public {
        settlement = _settlementOf(address(rewardReserve), 500, vault, feeToken);
        reserve = address(rewardReserve);
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = settlement.release.selector;
        vm.prank(admin);
        accessManager.setTargetFunctionRole(address(settlement), selectors, AUDITOR);
        _pay(operators[0], 8000 ether);
        _bind(settlement);
        _endow(PLENTY);
        _reward(PERIOD);

        assertEq(_releaseOf(PERIOD), DAILY_WAGES);
        assertEq(rewardReserve.funds(), PLENTY + 400 ether - DAILY_WAGES);
    }

    function test_RevertWhen_ItIsBound() public {
        InferenceSettlement other = _settlementOf(address(rewardReserve), 500, vault, feeToken);
        _bind(other);
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_AlreadyBound.selector, other));
        _bind(other);
    }

    function test_RevertWhen_TheSettlementPaysAnotherReserve() public {
        vm.expectRevert(
            abi.encodeWithSelector(IRewardReserve.RewardReserve_NotItsReserve.selector, settlement, reserve)
        );
        _bind(settlement);
    }

    function test_RevertWhen_TheSettlementIsOfAnotherToken() public {
        TestToken other = TestToken(_create("TestToken", abi.encode("Other", "OTH", 18)));
        StakeVault otherVault = StakeVault(
            _create("StakeVault", abi.encode(accessManager, stakeToken, other, sink, FLOOR, MIN_DEPOSIT, _durations()))
        );
        InferenceSettlement settlement_ = _settlementOf(address(rewardReserve), 500, otherVault, other);
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_FeeTokenMismatch.selector, feeToken, other));
        _bind(settlement_);
    }

    /// @dev What operators earned would not be known.
    function test_RevertWhen_TheSettlementTakesNoProtocolFee() public {
        InferenceSettlement settlement_ = _settlementOf(address(rewardReserve), 0, vault, feeToken);
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_NoProtocolFee.selector, settlement_));
        _bind(settlement_);
    }

    function test_RevertWhen_TheCallerIsNotTheAdmin() public {
        InferenceSettlement settlement_ = _settlementOf(address(rewardReserve), 500, vault, feeToken);
        address[2] memory callers = [attacker, governor];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, callers[i]));
            vm.prank(callers[i]);
            rewardReserve.bind(address(settlement_));
        }
    }
}
