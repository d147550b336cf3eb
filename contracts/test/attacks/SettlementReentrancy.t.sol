// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {InferenceSettlement} from "../../src/InferenceSettlement.sol";
import {TestToken} from "../../src/TestToken.sol";
import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "../SettlementBase.t.sol";
import {Comeback} from "./Comeback.sol";
import {HookToken, ITransferHook} from "./tokens/HookToken.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @notice A payer and operator that comes back in the middle of every transfer, once for each call it makes.
contract Thief is Comeback, ITransferHook {
    InferenceSettlement private immutable SETTLEMENT;

    constructor(InferenceSettlement settlement, HookToken token) {
        SETTLEMENT = settlement;
        token.hook();
        token.approve(address(settlement), type(uint256).max);
    }

    /// @dev Makes `call` to the settlement and `comeback` from within its token transfer.
    function attack(bytes calldata call, bytes calldata comeback) external returns (bytes memory) {
        _prepare(comeback);
        (bool ok, bytes memory result) = address(SETTLEMENT).call(call);
        require(ok, string(result));
        return answer;
    }

    function onTransfer(address, address, uint256) external {
        _comeBackTo(address(SETTLEMENT));
    }
}

/// @notice Attack: enter the settlement again from a hook of the token, while it is paying or being paid.
contract SettlementReentrancyTest is SettlementBase {
    Thief private _thief;
    bytes[] private _comebacks;

    function _createFeeToken(TestToken) internal override returns (TestToken) {
        return new HookToken();
    }

    function setUp() public override {
        super.setUp();
        _thief = new Thief(settlement, HookToken(address(feeToken)));
        feeToken.mint(address(_thief), 100 ether);
        _deposit(payer.addr, operator, 100 ether);
        _settleOne(_owed(50 ether, 50));
        vm.prank(operator);
        operatorRegistry.changePayout(address(_thief));
        vm.startPrank(address(_thief));
        settlement.deposit(address(_thief), operator, 50 ether);
        settlement.startExit(operator);
        vm.stopPrank();
        vm.prank(address(slasher));
        settlement.seize(_seizure(operator, 10 ether, 2000, address(_thief)));
        _mature();
        _comebacks.push(abi.encodeCall(settlement.deposit, (address(_thief), operator, 1)));
        _comebacks.push(abi.encodeCall(settlement.depositWithPermit, (operator, 1, 0, 27, 0, 0)));
        _comebacks.push(
            abi.encodeCall(
                settlement.depositWithAuthorization,
                (address(_thief), operator, 1, 0, 0, 0, keccak256(abi.encode(operator, bytes32(0))), 27, 0, 0)
            )
        );
        _comebacks.push(abi.encodeCall(settlement.finishExit, (operator)));
        _comebacks.push(abi.encodeCall(settlement.claim, (operator)));
        _comebacks.push(abi.encodeCall(settlement.claimRoyalties, (modelId)));
        _comebacks.push(abi.encodeCall(settlement.collect, (address(_thief))));
        IInferenceSettlement.Voucher memory voucher = _owed(60 ether, 60);
        (IInferenceSettlement.Voucher[] memory vouchers, bytes[] memory signatures) =
            _batch(voucher, _signVoucher(voucher, payer));
        _comebacks.push(
            abi.encodeCall(settlement.settle, (vouchers, signatures, RECEIPTS_ROOT, RECEIPT_COUNT, 0, EVIDENCE_URI))
        );
    }

    function test_NoCallEntersDuringADeposit() public {
        _attack(abi.encodeCall(settlement.deposit, (address(_thief), operator, 1 ether)), 49 ether);
    }

    function test_NoCallEntersDuringAnExit() public {
        _attack(abi.encodeCall(settlement.finishExit, (operator)), 100 ether);
    }

    function test_NoCallEntersDuringAClaim() public {
        // A tenth of 36 ether: what 50 ether earned, less what was seized.
        _attack(abi.encodeCall(settlement.claim, (operator)), 50 ether + 3.6 ether);
    }

    function test_NoCallEntersDuringACollection() public {
        _attack(abi.encodeCall(settlement.collect, (address(_thief))), 52 ether);
    }

    /// @dev Whatever the thief comes back with, it does not get in, and its balance is that of one honest call.
    function _attack(bytes memory call, uint256 balance) private {
        uint256 before = vm.snapshotState();
        for (uint256 i = 0; i < _comebacks.length; ++i) {
            bytes memory answer = _thief.attack(call, _comebacks[i]);
            assertEq(answer, abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector));
            assertEq(feeToken.balanceOf(address(_thief)), balance);
            vm.revertToState(before);
        }
    }
}
