// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {InferenceSettlement} from "../../src/InferenceSettlement.sol";
import {TestToken} from "../../src/TestToken.sol";
import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {ExactTransfer} from "../../src/libraries/ExactTransfer.sol";
import {SettlementBase} from "../SettlementBase.t.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @notice Calls whoever asked for it whenever it receives or sends tokens, as ERC-777 did.
contract HookToken is TestToken {
    mapping(address account => bool) private _listens;

    constructor() TestToken("Hook", "HOOK", 18) {}

    function listen() external {
        _listens[msg.sender] = true;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (_listens[from]) Thief(from).onTransfer();
        if (_listens[to]) Thief(to).onTransfer();
    }
}

/// @notice A payer and operator that comes back in the middle of every transfer, once for each call it makes.
contract Thief {
    InferenceSettlement private immutable SETTLEMENT;
    bytes private _comeback;
    bytes private _answer;

    constructor(InferenceSettlement settlement, HookToken token) {
        SETTLEMENT = settlement;
        token.listen();
        token.approve(address(settlement), type(uint256).max);
    }

    /// @dev Makes `call` to the settlement and `comeback` from within its token transfer.
    function attack(bytes calldata call, bytes calldata comeback) external returns (bytes memory answer) {
        _comeback = comeback;
        _answer = "not called";
        (bool ok, bytes memory result) = address(SETTLEMENT).call(call);
        require(ok, string(result));
        return _answer;
    }

    function onTransfer() external {
        if (_comeback.length == 0) return;
        bytes memory comeback = _comeback;
        delete _comeback;
        (bool ok, bytes memory result) = address(SETTLEMENT).call(comeback);
        _answer = ok ? bytes("got in") : result;
    }
}

contract ReentrancyByTokenHook is SettlementBase {
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
        settlement.seize(operator, 10 ether, 2000, address(_thief));
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
            abi.encodeCall(settlement.settle, (vouchers, signatures, RECEIPTS_ROOT, RECEIPT_COUNT, EVIDENCE_URI))
        );
    }

    function test_ReentrancyByTokenHookDuringADeposit() public {
        _attack(abi.encodeCall(settlement.deposit, (address(_thief), operator, 1 ether)), 49 ether);
    }

    function test_ReentrancyByTokenHookDuringAnExit() public {
        _attack(abi.encodeCall(settlement.finishExit, (operator)), 100 ether);
    }

    function test_ReentrancyByTokenHookDuringAClaim() public {
        // A tenth of 36 ether: what 50 ether earned, less what was seized.
        _attack(abi.encodeCall(settlement.claim, (operator)), 50 ether + 3.6 ether);
    }

    function test_ReentrancyByTokenHookDuringACollection() public {
        _attack(abi.encodeCall(settlement.collect, (address(_thief))), 52 ether);
    }

    /// @dev Whatever the thief comes back with, it does not get in, and its balance is that of one honest call.
    function _attack(bytes memory call, uint256 balance) private {
        uint256 before = vm.snapshotState();
        for (uint256 i = 0; i < _comebacks.length; ++i) {
            bytes memory answer = _thief.attack(call, _comebacks[i]);
            assertEq(bytes4(answer), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
            assertEq(feeToken.balanceOf(address(_thief)), balance);
            vm.revertToState(before);
        }
    }
}

/// @notice Refuses transfers from and to denied accounts, as USDC does.
contract DenyListToken is TestToken {
    mapping(address account => bool) public denied;

    error DenyListToken_Denied();

    constructor() TestToken("Deny", "DENY", 6) {}

    function deny(address account, bool denied_) external {
        denied[account] = denied_;
    }

    function _update(address from, address to, uint256 value) internal override {
        require(!denied[from] && !denied[to], DenyListToken_Denied());
        super._update(from, to, value);
    }
}

contract PushToADenyListedAddress is SettlementBase {
    DenyListToken private _token;

    function _createFeeToken(TestToken) internal override returns (TestToken) {
        _token = new DenyListToken();
        return _token;
    }

    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
        _deposit(secondPayer.addr, operator, 100 ether);
    }

    /// @dev Everybody who is ever paid is denied, and still vouchers settle and faults are seized: nothing is pushed.
    function test_PushToADenyListedAddress() public {
        address[6] memory accounts = [payer.addr, operator, settler, publisher, reserve, reporter];
        for (uint256 i = 0; i < accounts.length; ++i) {
            _token.deny(accounts[i], true);
        }
        _settleOne(_owed(50 ether, 50));
        vm.prank(address(slasher));
        assertEq(settlement.seize(operator, 10 ether, 2000, reporter), 10 ether);

        // Each waits for its own account alone; another payer leaves untouched.
        vm.prank(secondPayer.addr);
        settlement.startExit(operator);
        _mature();
        vm.prank(secondPayer.addr);
        assertEq(settlement.finishExit(operator), 100 ether);

        vm.expectRevert(DenyListToken.DenyListToken_Denied.selector);
        settlement.claim(operator);
        vm.prank(operator);
        operatorRegistry.changePayout(alice);
        settlement.claim(operator);
        assertEq(feeToken.balanceOf(alice), 3.6 ether);

        vm.expectRevert(DenyListToken.DenyListToken_Denied.selector);
        settlement.claimRoyalties(modelId);
        vm.prank(publisher);
        modelRegistry.transferPublisher(modelId, bob);
        vm.prank(bob);
        modelRegistry.acceptPublisher(modelId);
        settlement.claimRoyalties(modelId);
        assertEq(feeToken.balanceOf(bob), 1.5 ether);
    }
}

/// @notice Keeps one base unit of every transfer.
contract TaxToken is TestToken {
    constructor() TestToken("Tax", "TAX", 18) {}

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from != address(0) && to != address(0)) super._update(to, address(0xdead), 1);
    }
}

contract DepositOfAFeeOnTransferToken is SettlementBase {
    function _createFeeToken(TestToken) internal override returns (TestToken) {
        return new TaxToken();
    }

    function test_RevertWhen_LessArrivesThanWasDeposited() public {
        _fund(feeToken, payer.addr, address(settlement), 10 ether);
        vm.expectRevert(
            abi.encodeWithSelector(
                ExactTransfer.ExactTransfer_AmountMismatch.selector, address(feeToken), 10 ether - 1, 10 ether
            )
        );
        vm.prank(payer.addr);
        settlement.deposit(payer.addr, operator, 10 ether);
    }
}
