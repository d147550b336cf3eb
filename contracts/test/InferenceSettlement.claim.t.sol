// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {SettlementBase} from "./SettlementBase.t.sol";

contract InferenceSettlementClaimTest is SettlementBase {
    /// @dev Operator's net of a fee of 10 ether, less 5 % to the protocol and 3 % to the publisher.
    uint256 private constant NET = 9.2 ether;

    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
    }

    function test_EarningsAreFreeAfterSevenFullEpochs() public {
        uint256 batchId = _settleOne(_owed(10 ether, 1000));
        _skip(3 * EPOCH);
        _release(batchId);
        uint64 releasedIn = _now() / EPOCH;
        _warpTo((releasedIn + 8) * EPOCH - 1);
        assertEq(settlement.earnings(operator).locked, NET);
        _expectNothingToClaim(operator);
        settlement.claim(operator);

        _skip(1);
        assertEq(settlement.earnings(operator).locked, 0);
        assertEq(settlement.earnings(operator).claimable, NET);
        assertEq(settlement.claim(operator), NET);
        assertEq(settlement.earnings(operator).claimable, 0);
    }

    function test_AClaimPaysCommissionAndStakers() public {
        _delegate(alice, operator, OWN_STAKE);
        address payout = makeAddr("payout");
        vm.prank(operator);
        operatorRegistry.changePayout(payout);
        _settleOne(_owed(10 ether, 1000));
        _mature();

        uint256 commission = NET * COMMISSION_BPS / 10_000;
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.EarningsReleased(operator, NET);
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.EarningsClaimed(operator, payout, commission, NET - commission);
        vm.expectEmit(address(vault));
        emit IStakeVault.FeesDistributed(operator, address(settlement), NET - commission);
        vm.prank(bob);
        assertEq(settlement.claim(operator), NET);

        assertEq(feeToken.balanceOf(payout), commission);
        assertEq(feeToken.balanceOf(address(vault)), NET - commission);
        assertEq(feeToken.allowance(address(settlement), address(vault)), 0);
        assertApproxEqAbs(vault.position(operator, alice).rewards, (NET - commission) / 2, 1);
        assertApproxEqAbs(vault.position(operator, operator).rewards, (NET - commission) / 2, 1);
    }

    function test_AnOperatorWithoutStakersKeepsItAll() public {
        _settleOne(_owed(10 ether, 1000));
        _thaw(operator, operator, _sharesOf(operator, operator));
        _mature();
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.EarningsClaimed(operator, operator, NET, 0);
        settlement.claim(operator);
        assertEq(feeToken.balanceOf(operator), NET);
    }

    function test_AWipedOutPoolDoesNotStrandEarnings() public {
        _settleOne(_owed(10 ether, 1000));
        _slash(operator, type(uint256).max, 0);
        _mature();
        settlement.claim(operator);
        assertEq(feeToken.balanceOf(operator), NET);
    }

    function test_ACommissionOfEverythingLeavesNothingToDistribute() public {
        _announceCommission(10_000);
        _settleOne(_owed(10 ether, 1000));
        _mature();
        settlement.claim(operator);
        assertEq(feeToken.balanceOf(operator), NET);
        assertEq(feeToken.balanceOf(address(vault)), 0);
    }

    function test_NoCommissionPaysStakersAlone() public {
        _announceCommission(0);
        _settleOne(_owed(10 ether, 1000));
        _mature();
        settlement.claim(operator);
        assertEq(feeToken.balanceOf(operator), 0);
        assertEq(feeToken.balanceOf(address(vault)), NET);
    }

    function testFuzz_CommissionRoundsUpAndSumsToTheClaim(uint128 fee, uint16 commissionBps) public {
        fee = uint128(bound(fee, 1, 100 ether));
        commissionBps = uint16(bound(commissionBps, 0, 10_000));
        _announceCommission(commissionBps);
        _settleOne(_owed(fee, 1));
        uint256 net = _escrowed(operator);
        _mature();
        assertEq(settlement.claim(operator), net);
        uint256 commission = (net * commissionBps + 9999) / 10_000;
        assertEq(feeToken.balanceOf(operator), commission);
        assertEq(feeToken.balanceOf(address(vault)), net - commission);
    }

    function test_RevertWhen_NothingWasEarned() public {
        _expectNothingToClaim(operator);
        settlement.claim(operator);
    }

    function test_RevertWhen_EverythingWasClaimed() public {
        _settleOne(_owed(10 ether, 1000));
        _mature();
        settlement.claim(operator);
        _expectNothingToClaim(operator);
        settlement.claim(operator);
    }

    function _expectNothingToClaim(address account) private {
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_NothingToClaim.selector, account)
        );
    }

    function _announceCommission(uint16 commissionBps) private {
        vm.prank(operator);
        operatorRegistry.announceCommission(commissionBps);
        _skip(COMMISSION_DELAY);
    }
}

contract InferenceSettlementClaimRoyaltiesTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
        _settleOne(_owed(10 ether, 1000));
    }

    function test_RoyaltiesGoToThePublisher() public {
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.RoyaltiesClaimed(publisher, modelId, 0.3 ether);
        vm.prank(bob);
        assertEq(settlement.claimRoyalties(modelId), 0.3 ether);
        assertEq(feeToken.balanceOf(publisher), 0.3 ether);
        assertEq(settlement.royalties(modelId), 0);
    }

    function test_RoyaltiesFollowTheModelToItsNewPublisher() public {
        vm.prank(publisher);
        modelRegistry.transferPublisher(modelId, alice);
        vm.prank(alice);
        modelRegistry.acceptPublisher(modelId);
        settlement.claimRoyalties(modelId);
        assertEq(feeToken.balanceOf(alice), 0.3 ether);
    }

    function test_RevertWhen_ThereAreNoRoyalties() public {
        settlement.claimRoyalties(modelId);
        vm.expectRevert(abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_NoRoyalties.selector, modelId));
        settlement.claimRoyalties(modelId);
    }

    function test_RevertWhen_TheModelIsUnknown() public {
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_NoRoyalties.selector, keccak256("none"))
        );
        settlement.claimRoyalties(keccak256("none"));
    }
}

contract InferenceSettlementCollectTest is SettlementBase {
    function test_ProtocolFeesGoToTheReserve() public {
        _deposit(payer.addr, operator, 100 ether);
        _settleOne(_owed(10 ether, 1000));
        assertEq(settlement.credited(reserve), 0.5 ether);
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.CreditCollected(reserve, 0.5 ether);
        vm.prank(bob);
        assertEq(settlement.collect(reserve), 0.5 ether);
        assertEq(feeToken.balanceOf(reserve), 0.5 ether);
        assertEq(settlement.credited(reserve), 0);
    }

    /// @dev What was ever charged outlives its collection.
    function test_ProtocolFeesAddUpForEver() public {
        _deposit(payer.addr, operator, 100 ether);
        _settleOne(_owed(10 ether, 1000));
        settlement.collect(reserve);
        _settleOne(_owed(30 ether, 3000));
        assertEq(settlement.protocolFeesCharged(), 1.5 ether);
        assertEq(settlement.credited(reserve), 1 ether);
        assertEq(settlement.collect(reserve), 1 ether);
        assertEq(settlement.protocolFeesCharged(), 1.5 ether);
    }

    function test_RevertWhen_NothingIsCredited() public {
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_NothingToClaim.selector, reserve)
        );
        settlement.collect(reserve);
    }
}
